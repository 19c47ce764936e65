//! The inventory: which VFs there are, whose they are, what drives them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::{Error, PciAddr};

/// PCI sysfs below its mount point.
#[derive(Debug, Clone)]
pub struct Sysfs {
    root: PathBuf,
}

/// A physical function with a network interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pf {
    /// Its PCI address.
    pub addr: PciAddr,
    /// Its network interface in the host's namespace.
    pub netdev: String,
}

/// A virtual function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vf {
    /// Its PCI address.
    pub addr: PciAddr,
    /// The function it was made from.
    pub pf: Pf,
    /// Its number on the PF, as in `virtfn<N>`.
    pub index: u32,
}

impl Sysfs {
    /// Sysfs mounted at `root`, usually `/sys`.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// The VF at this address.
    ///
    /// # Errors
    /// No such device, not a VF, PF without netdev.
    pub fn vf(&self, addr: PciAddr) -> Result<Vf, Error> {
        if !self.device(addr).exists() {
            return Err(Error::NoDevice(addr));
        }
        let pf = link_name(&self.device(addr).join("physfn"))
            .and_then(|name| name.parse().ok())
            .ok_or(Error::NotAVf(addr))?;
        let netdev =
            self.netdevs(pf)?.into_iter().next().ok_or(Error::PfWithoutNetdev { vf: addr, pf })?;
        let pf = Pf { addr: pf, netdev };
        let index = self.index_on(&pf, addr)?.ok_or(Error::NotAVf(addr))?;
        Ok(Vf { addr, pf, index })
    }

    fn index_on(&self, pf: &Pf, vf: PciAddr) -> Result<Option<u32>, Error> {
        let dir = self.device(pf.addr);
        let is_vf = |name: &&String| {
            name.starts_with("virtfn")
                && link_name(&dir.join(name)).and_then(|n| n.parse().ok()) == Some(vf)
        };
        let names = names(&dir)?;
        Ok(names.iter().find(is_vf).and_then(|name| name.strip_prefix("virtfn")?.parse().ok()))
    }

    /// The PF behind a network interface. The name is compared with what sysfs lists, never pasted.
    ///
    /// # Errors
    /// No such interface, or a device without SR-IOV.
    pub fn pf(&self, netdev: &str) -> Result<Pf, Error> {
        let no_pf = || Error::NoPf(netdev.to_owned());
        let net = self.root.join("class/net");
        let listed = names(&net)?.into_iter().find(|name| name == netdev).ok_or_else(no_pf)?;
        let addr: PciAddr = link_name(&net.join(listed).join("device"))
            .and_then(|name| name.parse().ok())
            .ok_or_else(no_pf)?;
        if !self.device(addr).join("sriov_totalvfs").exists() {
            return Err(no_pf());
        }
        Ok(Pf { addr, netdev: netdev.to_owned() })
    }

    /// How many VFs the PF can have; 0 where SR-IOV is switched off in firmware.
    ///
    /// # Errors
    /// The PF is gone.
    pub fn total_vfs(&self, pf: &Pf) -> Result<u32, Error> {
        let path = self.device(pf.addr).join("sriov_totalvfs");
        Ok(read(&path)?.parse().unwrap_or(0))
    }

    /// The VFs of the PF, by index.
    ///
    /// # Errors
    /// The PF is gone.
    pub fn vfs(&self, pf: &Pf) -> Result<Vec<Vf>, Error> {
        let dir = self.device(pf.addr);
        let mut vfs: Vec<Vf> = names(&dir)?
            .iter()
            .filter_map(|name| {
                let index = name.strip_prefix("virtfn")?.parse().ok()?;
                let addr = link_name(&dir.join(name))?.parse().ok()?;
                Some(Vf { addr, pf: pf.clone(), index })
            })
            .collect();
        vfs.sort_by_key(|vf| vf.index);
        Ok(vfs)
    }

    /// Network interfaces of the device that are in the reader's namespace; empty while they are in
    /// another one, or without a network driver.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn netdevs(&self, addr: PciAddr) -> Result<Vec<String>, Error> {
        names(&self.device(addr).join("net"))
    }

    /// The driver bound to the device.
    #[must_use]
    pub fn driver(&self, addr: PciAddr) -> Option<String> {
        link_name(&self.device(addr).join("driver"))
    }

    /// The device's `driver_override`, if one is set.
    ///
    /// # Errors
    /// The device is gone.
    pub fn driver_override(&self, addr: PciAddr) -> Result<Option<String>, Error> {
        let value = read(&self.device(addr).join("driver_override"))?;
        Ok((!value.is_empty() && value != "(null)").then_some(value))
    }

    /// The number of the device's IOMMU group, the `N` of `/dev/vfio/N`.
    #[must_use]
    pub fn iommu_group(&self, addr: PciAddr) -> Option<String> {
        link_name(&self.device(addr).join("iommu_group"))
    }

    /// Whether the kernel runs an IOMMU, without which vfio-pci isolates nothing.
    #[must_use]
    pub fn has_iommu(&self) -> bool {
        names(&self.root.join("kernel/iommu_groups")).is_ok_and(|groups| !groups.is_empty())
    }

    /// Whether the device is there.
    #[must_use]
    pub fn exists(&self, addr: PciAddr) -> bool {
        self.device(addr).exists()
    }

    pub(crate) fn devices(&self) -> PathBuf {
        self.root.join("bus/pci/devices")
    }

    pub(crate) fn device(&self, addr: PciAddr) -> PathBuf {
        self.devices().join(addr.to_string())
    }

    pub(crate) fn driver_dir(&self, driver: &str) -> PathBuf {
        self.root.join("bus/pci/drivers").join(driver)
    }

    pub(crate) fn drivers_probe(&self) -> PathBuf {
        self.root.join("bus/pci/drivers_probe")
    }

    pub(crate) fn group_members(&self, group: &str) -> Result<Vec<String>, Error> {
        names(&self.root.join("kernel/iommu_groups").join(group).join("devices"))
    }
}

/// The entries of a directory, sorted; none where it is absent.
pub(crate) fn names(dir: &Path) -> Result<Vec<String>, Error> {
    let failed =
        |source| Error::Sysfs { operation: "read".to_owned(), path: dir.to_owned(), source };
    let listing = match fs::read_dir(dir) {
        Ok(listing) => listing,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(failed(e)),
    };
    let mut names = listing
        .map(|entry| entry.map(|e| e.file_name().to_string_lossy().into_owned()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(failed)?;
    names.sort();
    Ok(names)
}

/// Last component of what a link points to.
pub(crate) fn link_name(link: &Path) -> Option<String> {
    Some(fs::read_link(link).ok()?.file_name()?.to_str()?.to_owned())
}

pub(crate) fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map(|text| text.trim().to_owned()).map_err(|source| Error::Sysfs {
        operation: "read".to_owned(),
        path: path.to_owned(),
        source,
    })
}

pub(crate) fn write(path: &Path, value: &str) -> Result<(), Error> {
    fs::write(path, value).map_err(|source| Error::Sysfs {
        operation: format!("write {:?} to", value.trim()),
        path: path.to_owned(),
        source,
    })
}
