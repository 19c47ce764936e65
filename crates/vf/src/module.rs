//! Loading kernel modules: the one program that shipped code runs beside CNI plugins.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::{Error, Sysfs, sysfs};

/// Network drivers of VFs, userspace drivers, and what they need. Nothing else is ever loaded or
/// bound, whatever a configuration says.
const KNOWN_DRIVERS: &[&str] = &[
    "vfio-pci",
    "uio_pci_generic",
    "igb_uio",
    "igbvf",
    "ixgbevf",
    "i40evf",
    "iavf",
    "fm10k",
    "mlx4_core",
    "mlx5_core",
    "bnxt_en",
    "qede",
    "cxgb4vf",
    "nfp_netvf",
    "nfp",
    "ena",
    "hinic",
    "hns3",
    "octeontx2-nicvf",
    "rvu_nicvf",
    "liquidio_vf",
    "sfc",
    "ionic",
    "virtio-pci",
    "idpf",
];

/// Whether a configuration may name this driver.
#[must_use]
pub fn is_known_driver(name: &str) -> bool {
    KNOWN_DRIVERS.contains(&name)
}

impl Sysfs {
    /// Makes sure that the driver is registered with the PCI bus, loading its module where not.
    pub(crate) fn ensure_driver(&self, driver: &str, proc: &Path) -> Result<(), Error> {
        if self.driver_dir(driver).exists() {
            return Ok(());
        }
        let no_driver = |reason: String| Error::NoDriver { driver: driver.to_owned(), reason };
        if !is_known_driver(driver) {
            return Err(no_driver("it is not among the drivers fastpath loads".to_owned()));
        }
        let loaded = load(driver, proc);
        if driver == "vfio-pci" {
            // Nothing depends on it by symbol, yet DPDK finds no IOMMU support without.
            load("vfio_iommu_type1", proc).map_err(no_driver)?;
        }
        loaded.map_err(no_driver)?;
        if self.driver_dir(driver).exists() {
            Ok(())
        } else {
            Err(no_driver("its module is loaded but registered no PCI driver".to_owned()))
        }
    }
}

impl Sysfs {
    /// Whether the driver is registered, or its module is installed for the running kernel. Changes
    /// nothing.
    #[must_use]
    pub fn offers_driver(&self, driver: &str, modules: &Path, proc: &Path) -> bool {
        if self.driver_dir(driver).exists() {
            return true;
        }
        let Ok(release) = sysfs::read(&proc.join("sys/kernel/osrelease")) else { return false };
        let index = modules.join(release).join("modules.dep");
        let names = [format!("/{driver}.ko"), format!("/{}.ko", driver.replace('-', "_"))];
        sysfs::read(&index).is_ok_and(|text| names.iter().any(|name| text.contains(name.as_str())))
    }
}

/// Runs the kernel's own module loader, as `request_module` would.
#[expect(clippy::disallowed_methods, reason = "the kernel's loader with an allow-listed name")]
fn load(module: &str, proc: &Path) -> Result<(), String> {
    let loader = sysfs::read(&proc.join("sys/kernel/modprobe")).map_err(|e| e.to_string())?;
    if loader.is_empty() {
        return Err(
            "module loading is switched off (/proc/sys/kernel/modprobe is empty)".to_owned()
        );
    }
    let output = Command::new(&loader)
        .args(["-q", "--", module])
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("run {loader}: {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{loader} {module}: {} {}", output.status, said.trim()).trim().to_owned())
}
