//! Driver binding as a transaction: what is bound is read first, and can be bound again.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::{Error, PciAddr, Pf, Sysfs, sysfs};

/// Drivers that hand a device to userspace.
pub const DPDK_DRIVERS: &[&str] = &["vfio-pci", "uio_pci_generic", "igb_uio"];

/// How long a driver may take to probe a VF; PFs that answer their VFs slowly need seconds.
const PROBE_DEADLINE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(5);

/// Whether the driver hands its devices to userspace.
#[must_use]
pub fn is_dpdk_driver(name: &str) -> bool {
    DPDK_DRIVERS.contains(&name)
}

/// Which driver a device has, and which its `driver_override` asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// Bound driver.
    pub driver: Option<String>,
    /// Content of `driver_override`.
    pub driver_override: Option<String>,
}

impl Sysfs {
    /// What is bound now.
    ///
    /// # Errors
    /// The device is gone.
    pub fn binding(&self, addr: PciAddr) -> Result<Binding, Error> {
        if !self.exists(addr) {
            return Err(Error::NoDevice(addr));
        }
        // Kernels without driver_override cannot have one set.
        let driver_override = self.driver_override(addr).unwrap_or(None);
        Ok(Binding { driver: self.driver(addr), driver_override })
    }

    /// Checks all that can be checked before anything changes: the driver is or can be loaded, the
    /// IOMMU group is viable, nobody has the device open.
    ///
    /// # Errors
    /// What stands in the way.
    pub fn prepare_bind(&self, addr: PciAddr, driver: &str, proc: &Path) -> Result<(), Error> {
        if driver == "vfio-pci" {
            self.check_group(addr)?;
        }
        self.check_unused(addr)?;
        self.ensure_driver(driver, proc)
    }

    /// Binds `driver` to the device, through `driver_override`, and waits for the probe.
    ///
    /// # Errors
    /// A sysfs file refuses, or the driver does not take the device in time. What was done stays
    /// done: the caller has the former [`Binding`] for [`Sysfs::restore_binding`].
    pub fn bind(&self, addr: PciAddr, driver: &str) -> Result<(), Error> {
        if self.driver(addr).as_deref() == Some(driver) {
            return Ok(());
        }
        self.set_override(addr, Some(driver))?;
        self.unbind(addr)?;
        self.probe(addr, driver)
    }

    /// Brings the device back to `former`, with a function-level reset between the drivers when it
    /// comes from userspace: queues and filters of the application must not meet the next owner.
    ///
    /// # Errors
    /// As [`Sysfs::bind`]; [`Error::InUse`] while a process has the device open.
    pub fn restore_binding(
        &self,
        addr: PciAddr,
        former: &Binding,
        proc: &Path,
    ) -> Result<(), Error> {
        let present = self.driver(addr);
        if present != former.driver {
            self.check_unused(addr)?;
            self.unbind(addr)?;
            if present.as_deref().is_some_and(is_dpdk_driver) {
                self.reset(addr);
            }
            if let Some(driver) = &former.driver {
                self.ensure_driver(driver, proc)?;
                self.set_override(addr, Some(driver))?;
                self.probe(addr, driver)?;
            }
        }
        if self.driver_override(addr).unwrap_or(None) != former.driver_override {
            self.set_override(addr, former.driver_override.as_deref())?;
        }
        Ok(())
    }

    /// Takes the device from its driver and gives it back: a netdev that is lost in a namespace
    /// nobody can reach is made again in the initial one.
    ///
    /// # Errors
    /// As [`Sysfs::bind`].
    pub fn rebind(&self, addr: PciAddr) -> Result<(), Error> {
        let Some(driver) = self.driver(addr) else { return Ok(()) };
        self.unbind(addr)?;
        sysfs::write(&self.driver_dir(&driver).join("bind"), &addr.to_string())?;
        self.await_driver(addr, &driver)
    }

    /// Lets the kernel choose a driver, and waits for it.
    ///
    /// # Errors
    /// [`Error::NotBound`]: it has none for the device.
    pub fn probe_any(&self, addr: PciAddr, deadline: Duration) -> Result<(), Error> {
        sysfs::write(&self.drivers_probe(), &addr.to_string())?;
        let end = Instant::now() + deadline;
        while self.driver(addr).is_none() {
            if Instant::now() >= end {
                return Err(Error::NotBound {
                    vf: addr,
                    driver: "a driver of the kernel".to_owned(),
                    bound: "none".to_owned(),
                    seconds: deadline.as_secs(),
                });
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    /// Makes VFs of a PF that has none, and waits until each has a driver, or the deadline.
    ///
    /// # Errors
    /// `sriov_numvfs` refuses: the PF has some already, or its driver cannot.
    pub fn make_vfs(&self, pf: &Pf, count: u32, deadline: Duration) -> Result<(), Error> {
        sysfs::write(&self.device(pf.addr).join("sriov_numvfs"), &count.to_string())?;
        let end = Instant::now() + deadline;
        loop {
            let vfs = self.vfs(pf)?;
            let all = vfs.len() >= usize::try_from(count).unwrap_or(usize::MAX);
            let driven = vfs.iter().all(|vf| self.driver(vf.addr).is_some());
            if all && driven || Instant::now() >= end {
                return Ok(());
            }
            std::thread::sleep(POLL);
        }
    }

    /// Waits until the device has a network interface in the reader's namespace.
    ///
    /// # Errors
    /// [`Error::NoNetdev`] after `deadline`.
    pub fn await_netdev(&self, addr: PciAddr, deadline: Duration) -> Result<String, Error> {
        let end = Instant::now() + deadline;
        loop {
            if let Some(name) = self.netdevs(addr)?.into_iter().next() {
                return Ok(name);
            }
            if Instant::now() >= end {
                return Err(Error::NoNetdev { vf: addr, seconds: deadline.as_secs() });
            }
            std::thread::sleep(POLL);
        }
    }

    /// Asks the device for a function-level reset, where it offers one.
    pub fn reset(&self, addr: PciAddr) {
        let file = self.device(addr).join("reset");
        if file.exists()
            && let Err(e) = sysfs::write(&file, "1")
        {
            log::warn!("reset of {addr} failed: {e}");
        }
    }

    /// Whether the VFIO group can be opened: it opens once only (vfio.rst, "VFIO Usage Example").
    ///
    /// # Errors
    /// [`Error::InUse`].
    pub fn check_unused(&self, addr: PciAddr) -> Result<(), Error> {
        if self.driver(addr).as_deref() != Some("vfio-pci") {
            return Ok(());
        }
        let Some(group) = self.iommu_group(addr) else { return Ok(()) };
        match File::options().read(true).write(true).open(Path::new("/dev/vfio").join(group)) {
            Err(e) if e.raw_os_error() == Some(libc::EBUSY) => Err(Error::InUse(addr)),
            _ => Ok(()),
        }
    }

    fn check_group(&self, addr: PciAddr) -> Result<(), Error> {
        let group = self.iommu_group(addr).ok_or(Error::NoIommu(addr))?;
        for sibling in self.group_members(&group)? {
            let Ok(member) = sibling.parse::<PciAddr>() else { continue };
            // Bridges and devices without a driver do not spoil a group (vfio_dev_viable).
            let driver = self.driver(member).filter(|d| d != "pcieport" && d != "vfio-pci");
            if let Some(driver) = driver.filter(|_| member != addr) {
                return Err(Error::GroupNotViable { vf: addr, sibling, driver, group });
            }
        }
        Ok(())
    }

    fn set_override(&self, addr: PciAddr, driver: Option<&str>) -> Result<(), Error> {
        let file = self.device(addr).join("driver_override");
        // A lone newline clears it (sysfs-bus-pci).
        sysfs::write(&file, &format!("{}\n", driver.unwrap_or_default()))
    }

    fn unbind(&self, addr: PciAddr) -> Result<(), Error> {
        match self.driver(addr) {
            Some(driver) => {
                sysfs::write(&self.driver_dir(&driver).join("unbind"), &addr.to_string())
            }
            None => Ok(()),
        }
    }

    fn probe(&self, addr: PciAddr, driver: &str) -> Result<(), Error> {
        sysfs::write(&self.drivers_probe(), &addr.to_string())?;
        self.await_driver(addr, driver)
    }

    fn await_driver(&self, addr: PciAddr, driver: &str) -> Result<(), Error> {
        let end = Instant::now() + PROBE_DEADLINE;
        loop {
            let bound = self.driver(addr);
            if bound.as_deref() == Some(driver) {
                return Ok(());
            }
            if Instant::now() >= end {
                return Err(Error::NotBound {
                    vf: addr,
                    driver: driver.to_owned(),
                    bound: bound.unwrap_or_else(|| "none".to_owned()),
                    seconds: PROBE_DEADLINE.as_secs(),
                });
            }
            std::thread::sleep(POLL);
        }
    }
}
