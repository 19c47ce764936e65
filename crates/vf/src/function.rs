//! The inventory of network devices, whatever drives them.

use std::path::Path;

use serde::Serialize;

use crate::sysfs::{link_name, names, read};
use crate::{Error, PciAddr, Sysfs};

/// Base class of network controllers (PCI Code and ID Assignment 1.3).
const NETWORK: u32 = 0x02;

/// A function of a network controller on the PCI bus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Function {
    /// Its PCI address.
    pub addr: PciAddr,
    /// Vendor, four hexadecimal digits.
    pub vendor: String,
    /// Device, four hexadecimal digits.
    pub device: String,
    /// The driver bound to it.
    pub driver: Option<String>,
    /// Its IOMMU group, the `N` of `/dev/vfio/N`.
    pub iommu_group: Option<String>,
    /// Its NUMA node, where the machine tells.
    pub numa: Option<u32>,
    /// The function it was made from: it is a VF then.
    pub pf: Option<PciAddr>,
    /// Its number on that function.
    pub index: Option<u32>,
    /// How many VFs can be made of it.
    pub total_vfs: u32,
    /// How many there are.
    pub vfs: u32,
    /// Its network interfaces in the reader's namespace.
    pub links: Vec<NetLink>,
}

/// A network interface as sysfs shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NetLink {
    /// Name.
    pub name: String,
    /// `up`, `down`, ... (RFC 2863).
    pub state: String,
    /// Speed in Mbit/s, where the link is up and its driver tells.
    pub speed_mbps: Option<u32>,
}

impl Sysfs {
    /// All network controllers, by address.
    ///
    /// # Errors
    /// The bus cannot be read; a device that goes meanwhile is left out.
    pub fn functions(&self) -> Result<Vec<Function>, Error> {
        let addrs = names(&self.devices())?;
        let mut all: Vec<Function> =
            addrs.iter().filter_map(|name| self.function(name.parse().ok()?)).collect();
        let index: Vec<(PciAddr, PciAddr, u32)> =
            all.iter().filter(|one| one.vfs > 0).flat_map(|pf| self.made_from(pf.addr)).collect();
        for vf in &mut all {
            let made = index.iter().find(|(_, addr, _)| *addr == vf.addr);
            vf.index = made.map(|(_, _, index)| *index);
        }
        Ok(all)
    }

    /// One network controller; none where there is no such device, or it is of another class.
    #[must_use]
    pub fn function(&self, addr: PciAddr) -> Option<Function> {
        let dir = self.device(addr);
        let id = |file: &str| {
            read(&dir.join(file)).ok().map(|id| id.trim_start_matches("0x").to_owned())
        };
        let class = u32::from_str_radix(&id("class")?, 16).ok()?;
        if class >> 16 != NETWORK {
            return None;
        }
        let number = |file: &str| read(&dir.join(file)).ok().and_then(|text| text.parse().ok());
        Some(Function {
            addr,
            vendor: id("vendor")?,
            device: id("device")?,
            driver: self.driver(addr),
            iommu_group: self.iommu_group(addr),
            // -1 where firmware does not say.
            numa: number("numa_node"),
            pf: link_name(&dir.join("physfn")).and_then(|name| name.parse().ok()),
            index: None,
            total_vfs: number("sriov_totalvfs").unwrap_or(0),
            vfs: number("sriov_numvfs").unwrap_or(0),
            links: net_links(&dir),
        })
    }

    /// PF, VF and its number, of all VFs of a PF.
    fn made_from(&self, pf: PciAddr) -> Vec<(PciAddr, PciAddr, u32)> {
        let dir = self.device(pf);
        let vf = |name: &String| {
            let index = name.strip_prefix("virtfn")?.parse().ok()?;
            Some((pf, link_name(&dir.join(name))?.parse().ok()?, index))
        };
        names(&dir).unwrap_or_default().iter().filter_map(vf).collect()
    }
}

/// Of the function itself or, with virtio, of the device on it.
fn net_links(function: &Path) -> Vec<NetLink> {
    let below = names(function).unwrap_or_default();
    let virtio = below.iter().filter(|name| name.starts_with("virtio")).map(|n| function.join(n));
    let devices = std::iter::once(function.to_owned()).chain(virtio);
    let links = devices.flat_map(|device| {
        let net = device.join("net");
        let of = names(&net).unwrap_or_default();
        of.into_iter().map(move |name| net_link(&net, &name))
    });
    links.collect()
}

fn net_link(net: &Path, name: &str) -> NetLink {
    let dir = net.join(name);
    // Reading the speed of a link that is down fails, or says -1.
    let speed = read(&dir.join("speed")).ok().and_then(|text| text.parse().ok());
    NetLink {
        name: name.to_owned(),
        state: read(&dir.join("operstate")).unwrap_or_default(),
        speed_mbps: speed,
    }
}

#[cfg(test)]
#[path = "function_tests.rs"]
mod tests;
