//! Acting on the VF. The record is written; whatever fails here is undone by [`crate::restore`].

use std::time::{Duration, Instant};

use cni::Interface;
use hostnet::{LinkChange, Mac, Rtnl};
use vf::{Vf, VfSettings};

use crate::Sriov;
use crate::add::Sandbox;
use crate::error::SriovError;
use crate::record::{Detail, Mode};

/// PFs reset a VF after some settings; its netdev refuses a MAC until that is over.
const MAC_DEADLINE: Duration = Duration::from_secs(2);
const MAC_PAUSE: Duration = Duration::from_millis(50);

/// Gives the VF to the container and describes it for the result.
pub(crate) fn attach(
    plugin: &Sriov,
    sandbox: &Sandbox,
    detail: &Detail,
) -> Result<Interface, SriovError> {
    let (mac, mtu) = match &detail.mode {
        Mode::Kernel => as_netdev(sandbox, detail)?,
        Mode::Dpdk { driver } => as_device(plugin, &sandbox.host, driver, detail)?,
    };
    Ok(Interface {
        name: detail.ifname.clone(),
        mac: mac.map(|m| m.to_string()),
        mtu,
        sandbox: sandbox.netns.path().to_str().map(str::to_owned),
        socket_path: None,
        pci_id: Some(detail.vf.to_string()),
    })
}

fn as_device(
    plugin: &Sriov,
    host: &Rtnl,
    driver: &str,
    detail: &Detail,
) -> Result<(Option<Mac>, Option<u32>), SriovError> {
    plugin.sysfs.bind(detail.vf, driver)?;
    let vf = detail.vf();
    vf.apply(host, &detail.settings)?;
    let mac = detail.settings.mac.or(detail.before.state.mac).filter(|m| !m.is_zero());
    Ok((mac, detail.mtu.or(detail.before.netdev.as_ref().map(|n| n.mtu))))
}

/// The VLAN and the rest are in force before the pod can send: PF side first, link up last.
fn as_netdev(sandbox: &Sandbox, detail: &Detail) -> Result<(Option<Mac>, Option<u32>), SriovError> {
    let Sandbox { netns, host, pod, .. } = sandbox;
    let vf = detail.vf();
    let unusable =
        || SriovError::Unusable { vf: vf.addr, driver: "a driver without one".to_owned() };
    let index = detail.before.netdev.as_ref().ok_or_else(unusable)?.index;
    if let Some(mac) = detail.settings.mac {
        set_netdev_mac(host, &vf, index, mac)?;
    }
    vf.apply(host, &detail.settings)?;
    let change = LinkChange {
        netns: Some(netns),
        name: Some(&detail.ifname),
        mtu: detail.mtu,
        ..LinkChange::default()
    };
    host.set_link(index, &change)?;
    let moved = pod.link_by_name(&detail.ifname)?.ok_or_else(unusable)?;
    pod.set_link(moved.index, &LinkChange { up: Some(true), ..LinkChange::default() })?;
    Ok((moved.mac, Some(moved.mtu)))
}

/// Sets the netdev's own MAC. PFs refuse it while an admin MAC is set (igb, ixgbe), so that one is
/// taken away first where needed; the caller sets the new one afterwards.
pub(crate) fn set_netdev_mac(host: &Rtnl, vf: &Vf, index: u32, mac: Mac) -> Result<(), SriovError> {
    let change = LinkChange { mac: Some(mac), ..LinkChange::default() };
    if host.link_by_index(index)?.is_some_and(|link| link.mac == Some(mac)) {
        return Ok(());
    }
    if host.set_link(index, &change).is_ok() {
        return Ok(());
    }
    vf.apply(host, &VfSettings { mac: Some(Mac::ZERO), ..VfSettings::default() })?;
    let end = Instant::now() + MAC_DEADLINE;
    loop {
        match host.set_link(index, &change) {
            Err(_refused) if Instant::now() < end => std::thread::sleep(MAC_PAUSE),
            done => return Ok(done?),
        }
    }
}
