//! Giving a VF back as it was: the inverse of [`crate::attach`], whatever part of it was done.
//!
//! Works from the record and from what is there now, so it may run twice, after a kill at any
//! instruction, and with the pod's namespace gone.

use std::time::{Duration, Instant};

use hostnet::{Link, LinkChange, Netns, Rtnl};
use vf::{Vf, VfState, is_dpdk_driver};

use crate::Sriov;
use crate::attach::set_netdev_mac;
use crate::error::SriovError;
use crate::record::{Detail, Mode, Netdev};

/// The kernel gives a dead namespace's devices back from a work queue.
const RETURN_DEADLINE: Duration = Duration::from_secs(2);
/// After a bind, until the netdev is registered.
const NETDEV_DEADLINE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(10);

/// Puts the VF back: driver, netdev, PF-side settings. The PF's lock is held by the caller.
pub(crate) fn device(plugin: &Sriov, host: &Rtnl, detail: &Detail) -> Result<(), SriovError> {
    if !plugin.sysfs.exists(detail.vf) {
        log::warn!("VF {} does not exist any more", detail.vf);
        return Ok(());
    }
    let vf = plugin.sysfs.vf(detail.vf)?;
    // Before the driver probes: some take the VLAN over at that moment and at no other. The MAC is the
    // netdev's to set, where there is one: as admin MAC it would bind the VF to it from now on.
    let mut before = detail.before.state.clone();
    before.mac = before.mac.filter(|_| detail.before.netdev.is_none());
    if let Err(e) = restore_settings(host, &vf, &before) {
        // The netdev can come home all the same; the last step tries again and reports.
        log::warn!("{}", cni::chain(&e));
    }
    restore_driver(plugin, detail)?;
    if let Some(netdev) = &detail.before.netdev {
        let link = bring_home(plugin, host, detail)?;
        restore_netdev(host, &vf, &link, netdev)?;
    }
    // Probing and MAC changes may have reset some of them.
    restore_settings(host, &vf, &detail.before.state)
}

fn restore_settings(host: &Rtnl, vf: &Vf, before: &VfState) -> Result<(), SriovError> {
    if before.is_empty() {
        return Ok(());
    }
    let differing = before.missing_in(&vf.pf_state(host)?);
    Ok(vf.apply(host, &differing)?)
}

fn restore_driver(plugin: &Sriov, detail: &Detail) -> Result<(), SriovError> {
    if detail.mode == Mode::Kernel {
        return Ok(());
    }
    let before = &detail.before.binding;
    let stayed = plugin.sysfs.driver(detail.vf) == before.driver;
    if stayed && before.driver.as_deref().is_some_and(is_dpdk_driver) {
        plugin.sysfs.check_unused(detail.vf)?;
        plugin.sysfs.reset(detail.vf);
    }
    Ok(plugin.sysfs.restore_binding(detail.vf, before, &plugin.host.proc)?)
}

/// Finds the VF's netdev, wherever it is, and brings it into the host's namespace.
fn bring_home(plugin: &Sriov, host: &Rtnl, detail: &Detail) -> Result<Link, SriovError> {
    if let Some(link) = at_home(plugin, host, detail)? {
        return Ok(link);
    }
    if detail.mode != Mode::Kernel {
        plugin.sysfs.await_netdev(detail.vf, NETDEV_DEADLINE)?;
    } else if let Some(pod_netns) = detail.netns.reopen() {
        move_out(host, &pod_netns, detail)?;
    }
    let end = Instant::now() + RETURN_DEADLINE;
    loop {
        if let Some(link) = at_home(plugin, host, detail)? {
            return Ok(link);
        }
        if Instant::now() >= end {
            break;
        }
        std::thread::sleep(POLL);
    }
    // Held by a process in a namespace that has no name any more: the driver makes a new one here.
    log::warn!("VF {} did not come back by itself: rebinding its driver", detail.vf);
    plugin.sysfs.rebind(detail.vf)?;
    let name = plugin.sysfs.await_netdev(detail.vf, NETDEV_DEADLINE)?;
    let missing = vf::Error::NoNetdev { vf: detail.vf, seconds: NETDEV_DEADLINE.as_secs() };
    Ok(host.link_by_name(&name)?.ok_or(missing)?)
}

fn at_home(plugin: &Sriov, host: &Rtnl, detail: &Detail) -> Result<Option<Link>, SriovError> {
    for name in plugin.sysfs.netdevs(detail.vf)? {
        if let Some(link) = host.link_by_name(&name)? {
            return Ok(Some(link));
        }
    }
    Ok(None)
}

/// Moves the VF's netdev out of the pod: down, and under its own name where that is free.
fn move_out(host: &Rtnl, pod_netns: &Netns, detail: &Detail) -> Result<(), SriovError> {
    let pod = host.inside(pod_netns)?;
    let home = Netns::current()?;
    let Some(link) = pod.links()?.into_iter().find(|link| is_vf(link, detail)) else {
        return Ok(());
    };
    let mut change = LinkChange {
        netns: Some(&home),
        name: detail.before.netdev.as_ref().map(|n| n.name.as_str()),
        up: Some(false),
        ..LinkChange::default()
    };
    let moved = pod.set_link(link.index, &change);
    if moved.as_ref().is_err_and(|e| e.errno() == Some(libc::EEXIST)) {
        // Somebody took its name: any other one is better than staying in a dying pod.
        change.name = Some("dev%d");
        if pod.link_by_index(link.index)?.is_some() {
            pod.set_link(link.index, &change)?;
        }
        return Ok(());
    }
    Ok(moved?)
}

/// The kernel names the PCI device below a link since 5.14; before, the name in the pod has to do.
fn is_vf(link: &Link, detail: &Detail) -> bool {
    match &link.parent {
        Some(parent) => *parent == detail.vf.to_string(),
        None => link.name == detail.ifname,
    }
}

fn restore_netdev(host: &Rtnl, vf: &Vf, link: &Link, before: &Netdev) -> Result<(), SriovError> {
    if link.name != before.name || link.up != before.up {
        let down = LinkChange { up: Some(false), ..LinkChange::default() };
        host.set_link(link.index, &down)?;
    }
    if link.name != before.name {
        let rename = LinkChange { name: Some(&before.name), ..LinkChange::default() };
        if let Err(e) = host.set_link(link.index, &rename) {
            if e.errno() != Some(libc::EEXIST) {
                return Err(e.into());
            }
            log::warn!("VF {} stays {}: {} is taken", vf.addr, link.name, before.name);
        }
    }
    if let Some(mac) = before.mac {
        set_netdev_mac(host, vf, link.index, mac)?;
    }
    let change = LinkChange {
        mtu: (link.mtu != before.mtu).then_some(before.mtu),
        up: before.up.then_some(true),
        ..LinkChange::default()
    };
    if change.mtu.is_some() || change.up.is_some() {
        host.set_link(link.index, &change)?;
    }
    Ok(())
}
