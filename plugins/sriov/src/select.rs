//! Which VF the attachment gets: the one named, or the lowest free one of a PF.

use std::collections::BTreeSet;

use attachment::ConfError;
use cni::Request;
use hostnet::Rtnl;
use journal::{Entry, Journal};
use vf::{PciAddr, Pf, Vf, VfState, is_dpdk_driver};

use crate::Sriov;
use crate::conf::{Conf, Device};
use crate::error::SriovError;
use crate::record::{Mode, SriovRecord};
use crate::restore;

const NO_DEVICE: &str = "no VF is named: give deviceID (a device plugin passes it through the network's \
    k8s.v1.cni.cncf.io/resourceName) or if0 (the PF to take a VF from)";

/// What the configuration asks for, found on this host.
pub(crate) enum Wanted {
    /// This VF.
    Vf(Vf),
    /// Any VF of this PF.
    AnyOf(Pf),
}

impl Wanted {
    /// The PF whose lock has to be held while a VF is chosen.
    pub(crate) fn pf_addr(&self) -> PciAddr {
        match self {
            Self::Vf(vf) => vf.pf.addr,
            Self::AnyOf(pf) => pf.addr,
        }
    }
}

/// Finds the device of the configuration.
pub(crate) fn wanted(plugin: &Sriov, conf: &Conf) -> Result<Wanted, SriovError> {
    match conf.device.as_ref().ok_or(ConfError::Keys(NO_DEVICE))? {
        Device::Vf(addr) => Ok(Wanted::Vf(plugin.sysfs.vf(*addr)?)),
        Device::AnyOf(netdev) => Ok(Wanted::AnyOf(plugin.sysfs.pf(netdev)?)),
    }
}

/// Chooses the VF. A VF that a dead pod left behind is put in order first.
pub(crate) fn choose(
    plugin: &Sriov,
    conf: &Conf,
    journal: &Journal,
    host: &Rtnl,
    wanted: Wanted,
) -> Result<Vf, SriovError> {
    match wanted {
        Wanted::Vf(vf) => {
            free_from_dead_owner(plugin, journal, host, &vf)?;
            Ok(vf)
        }
        Wanted::AnyOf(pf) => lowest_free(plugin, conf, journal, host, &pf),
    }
}

/// How the container gets the VF, by what the configuration asks for and what is bound.
pub(crate) fn mode(
    plugin: &Sriov,
    conf: &Conf,
    request: &Request,
    vf: &Vf,
) -> Result<Mode, SriovError> {
    let bound = plugin.sysfs.driver(vf.addr);
    let kubelet = request.args.get("K8S_POD_NAME").is_some();
    if kubelet && bound.as_deref() == Some("vfio-pci") {
        check_group(plugin, vf)?;
    }
    if let Some(dpdk) = &conf.dpdk {
        let named = matches!(conf.device, Some(Device::Vf(_)));
        if kubelet && named && bound.as_deref() != Some(&dpdk.dpdk_driver) {
            return Err(SriovError::PoolDriver {
                vf: vf.addr,
                bound: bound.unwrap_or_else(|| "no driver".to_owned()),
                wanted: dpdk.dpdk_driver.clone(),
            });
        }
        return Ok(Mode::Dpdk { driver: dpdk.dpdk_driver.clone() });
    }
    match bound {
        Some(driver) if is_dpdk_driver(&driver) => Ok(Mode::Dpdk { driver }),
        _ if !plugin.sysfs.netdevs(vf.addr)?.is_empty() => Ok(Mode::Kernel),
        other => Err(SriovError::Unusable {
            vf: vf.addr,
            driver: other.unwrap_or_else(|| "no driver".to_owned()),
        }),
    }
}

/// The container's device node is of the group that was allocated, maybe before a reboot.
fn check_group(plugin: &Sriov, vf: &Vf) -> Result<(), SriovError> {
    let allocated = journal::allocated_group(&plugin.host.state, &vf.addr.to_string())?;
    let present = plugin.sysfs.iommu_group(vf.addr);
    match allocated {
        Some(group) if present.as_ref() != Some(&group) => Err(SriovError::GroupChanged {
            vf: vf.addr,
            allocated: group,
            present: present.unwrap_or_else(|| "none".to_owned()),
        }),
        _ => Ok(()),
    }
}

/// Refuses a MAC that another function of the PF has: the switch inside the NIC would deliver to
/// one of the two only.
pub(crate) fn check_mac(
    plugin: &Sriov,
    conf: &Conf,
    journal: &Journal,
    host: &Rtnl,
    vf: &Vf,
    states: &[(u32, VfState)],
) -> Result<(), SriovError> {
    let Some(mac) = conf.mac else { return Ok(()) };
    let taken = |other: String, releasing| SriovError::MacTaken { mac, other, releasing };
    if host.link_by_name(&vf.pf.netdev)?.is_some_and(|pf| pf.mac == Some(mac)) {
        return Err(taken(format!("the PF {}", vf.pf.netdev), false));
    }
    let sibling = states.iter().find(|(i, state)| *i != vf.index && state.mac == Some(mac));
    let Some((index, _)) = sibling else { return Ok(()) };
    let addr = plugin.sysfs.vfs(&vf.pf)?.into_iter().find(|s| s.index == *index).map(|s| s.addr);
    let owner = addr.map(|a| owner_of(journal, a)).transpose()?.flatten();
    let releasing = owner.is_some_and(|entry| !is_alive(journal, &entry));
    Err(taken(format!("VF {index} of {}", vf.pf.netdev), releasing))
}

fn owner_of(journal: &Journal, addr: PciAddr) -> Result<Option<Entry>, SriovError> {
    let claim = addr.to_string();
    Ok(journal.entries()?.into_iter().find(|e| e.claim.as_deref() == Some(&claim)))
}

/// Whether the attachment's pod exists: a record of an earlier boot, or of a namespace that is gone,
/// owns nothing any more.
fn is_alive(journal: &Journal, entry: &Entry) -> bool {
    journal.load(entry).is_ok_and(|record: SriovRecord| {
        record.boot_id == journal.boot_id() && record.detail.pod_lives()
    })
}

fn free_from_dead_owner(
    plugin: &Sriov,
    journal: &Journal,
    host: &Rtnl,
    vf: &Vf,
) -> Result<(), SriovError> {
    let Some(entry) = owner_of(journal, vf.addr)? else { return Ok(()) };
    if is_alive(journal, &entry) {
        return Err(SriovError::Claimed { vf: vf.addr, owner: entry.owner.container_id });
    }
    log::warn!("VF {} was left by container {}: putting it in order", vf.addr, entry.owner);
    if let Ok(record) = journal.load::<crate::record::Detail>(&entry)
        && record.boot_id == journal.boot_id()
    {
        restore::device(plugin, host, &record.detail)?;
    }
    journal.release_claim(&entry)?;
    Ok(())
}

fn lowest_free(
    plugin: &Sriov,
    conf: &Conf,
    journal: &Journal,
    host: &Rtnl,
    pf: &Pf,
) -> Result<Vf, SriovError> {
    let claimed: BTreeSet<String> =
        journal.entries()?.into_iter().filter_map(|entry| entry.claim).collect();
    let pooled = journal::pooled_devices(&plugin.host.state)?;
    let (mut taken, mut owned, mut in_use) = (0, 0, 0);
    for vf in plugin.sysfs.vfs(pf)? {
        let addr = vf.addr.to_string();
        if claimed.contains(&addr) {
            taken += 1;
        } else if pooled.contains(&addr) {
            owned += 1;
        } else if is_idle(plugin, conf, host, &vf)? {
            return Ok(vf);
        } else {
            in_use += 1;
        }
    }
    let why = format!("{taken} attached, {owned} in pools, {in_use} in use by others");
    Err(SriovError::NoFreeVf { pf: pf.netdev.clone(), why })
}

/// Nobody else uses the VF: its netdev is here, down, without address or controller; or it is on the
/// wanted userspace driver and its VFIO group can be opened.
fn is_idle(plugin: &Sriov, conf: &Conf, host: &Rtnl, vf: &Vf) -> Result<bool, SriovError> {
    let Some(name) = plugin.sysfs.netdevs(vf.addr)?.into_iter().next() else {
        let driver = plugin.sysfs.driver(vf.addr);
        let wanted = conf.dpdk.as_ref().map(|d| d.dpdk_driver.as_str());
        return Ok(wanted.is_some()
            && driver.as_deref() == wanted
            && plugin.sysfs.check_unused(vf.addr).is_ok());
    };
    let Some(link) = host.link_by_name(&name)? else { return Ok(false) };
    Ok(!link.up && link.controller.is_none() && host.addresses(link.index)?.is_empty())
}
