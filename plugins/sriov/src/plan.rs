//! What an ADD is going to do, and the host's state before it: all that can be checked is checked
//! here, and nothing of the VF is touched yet.

use cni::Request;
use hostnet::{Mac, Rtnl};
use journal::Journal;
use npwg::devinfo;
use vf::{Rate, Vf, VfSettings, VfState};

use crate::add::Sandbox;
use crate::conf::Conf;
use crate::error::SriovError;
use crate::record::{Before, Detail, Mode, Netdev};
use crate::{Sriov, select};

/// The record's part for attaching `vf`. Loads the module of a driver that is going to be bound.
pub(crate) fn plan(
    plugin: &Sriov,
    request: &Request,
    conf: &Conf,
    journal: &Journal,
    sandbox: &Sandbox,
    vf: &Vf,
) -> Result<Detail, SriovError> {
    let host = &sandbox.host;
    let mode = select::mode(plugin, conf, request, vf)?;
    if let Mode::Dpdk { driver } = &mode
        && plugin.sysfs.driver(vf.addr).as_deref() != Some(driver)
    {
        plugin.sysfs.prepare_bind(vf.addr, driver, &plugin.host.proc)?;
    }
    let states = vf.pf_states(host)?;
    select::check_mac(plugin, conf, journal, host, vf, &states)?;
    let before = before(plugin, conf, host, vf, &states)?;
    Ok(Detail {
        vf: vf.addr,
        pf: vf.pf.addr,
        pf_netdev: vf.pf.netdev.clone(),
        index: vf.index,
        netns: sandbox.netns.id()?,
        ifname: sandbox.ifname.clone(),
        settings: settings(conf, &mode, &before),
        mode,
        before,
        mtu: conf.mtu,
        device_info: devinfo::requested(&request.conf).map_err(SriovError::Delegate)?,
        ipam: request.conf.ipam.is_some() && !conf.l2enable,
        result: None,
        routes: Vec::new(),
    })
}

fn before(
    plugin: &Sriov,
    conf: &Conf,
    host: &Rtnl,
    vf: &Vf,
    states: &[(u32, VfState)],
) -> Result<Before, SriovError> {
    let mut binding = plugin.sysfs.binding(vf.addr)?;
    if binding.driver.is_none() {
        binding.driver = conf.dpdk.as_ref().and_then(|d| d.kernel_driver.clone());
    }
    let name = plugin.sysfs.netdevs(vf.addr)?.into_iter().next();
    let link = name.map(|n| host.link_by_name(&n)).transpose()?.flatten();
    let netdev =
        link.map(|l| Netdev { index: l.index, name: l.name, mac: l.mac, mtu: l.mtu, up: l.up });
    // A PF that reports nothing of its VFs gets no settings either, unless the user insists.
    let state =
        states.iter().find(|(i, _)| *i == vf.index).map(|(_, s)| s.clone()).unwrap_or_default();
    Ok(Before { binding, netdev, state })
}

/// What the PF is asked for. One rate given alone leaves the other as it is.
fn settings(conf: &Conf, mode: &Mode, before: &Before) -> VfSettings {
    let was = before.state.rate.unwrap_or(Rate { min: 0, max: 0 });
    let rate = (conf.min_tx_rate.is_some() || conf.max_tx_rate.is_some()).then(|| Rate {
        min: conf.min_tx_rate.unwrap_or(was.min),
        max: conf.max_tx_rate.unwrap_or(was.max),
    });
    VfSettings {
        mac: conf.mac.or_else(|| own_mac(mode, before)),
        vlan: conf.vlan,
        rate,
        spoofchk: conf.spoofchk,
        trust: conf.trust,
        link_state: conf.link_state,
    }
}

/// A DPDK driver takes its MAC from the PF and makes one up where none is set: the netdev's own is
/// passed on, so that the result names the address that the application will have.
fn own_mac(mode: &Mode, before: &Before) -> Option<Mac> {
    let unset = before.state.mac.is_some_and(Mac::is_zero);
    let own = before.netdev.as_ref().and_then(|n| n.mac).filter(|m| m.is_unicast());
    own.filter(|_| unset && *mode != Mode::Kernel)
}
