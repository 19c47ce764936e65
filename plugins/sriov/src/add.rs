//! ADD: parse, validate, lock, record, act, complete.

use std::cell::Cell;
use std::path::Path;
use std::time::Duration;

use cni::{AddResult, Interface, NetConf, Request, Route, delegate};
use hostnet::{Netns, Rtnl, Undo};
use journal::{Durability, Entry, Journal, Owner, Record};
use vf::{Rate, Vf, VfSettings, VfState};

use crate::conf::{Conf, LogConf};
use crate::del::ipam_del;
use crate::error::SriovError;
use crate::record::{Before, Detail, Mode, Netdev, SriovRecord};
use crate::{Sriov, address, attach, devinfo, restore, select};

/// How long a call waits for others that work on the same PF or attachment.
pub(crate) const LOCK_DEADLINE: Duration = Duration::from_mins(1);

pub(crate) fn add(plugin: &Sriov, request: &Request) -> Result<AddResult, cni::Error> {
    start_log(&request.conf, &owner_of(request).to_string());
    let conf = Conf::of_request(request).map_err(SriovError::from)?;
    conf.warnings.iter().for_each(|warning| log::warn!("{warning}"));
    Ok(attach_vf(plugin, request, &conf)?)
}

/// Sends the log of a verb where the configuration says; `context` stands on every line.
pub(crate) fn start_log(conf: &NetConf, context: &str) {
    let wanted = LogConf::of(conf);
    cni::logging::init(wanted.level.as_deref(), wanted.file.as_deref(), context);
}

pub(crate) fn owner_of(request: &Request) -> Owner {
    Owner { container_id: request.container_id.to_string(), ifname: request.ifname.to_string() }
}

fn attach_vf(plugin: &Sriov, request: &Request, conf: &Conf) -> Result<AddResult, SriovError> {
    if !conf.l2enable {
        delegate::ipam_exists(request).map_err(SriovError::Delegate)?;
    }
    let netns = Netns::open(request.netns.as_deref().ok_or(SriovError::NoNetns)?)?;
    if netns.id()?.is_same(&Netns::current()?.id()?) {
        return Err(SriovError::HostNetns);
    }
    let host = Rtnl::here()?;
    let pod = host.inside(&netns)?;
    let journal = plugin.journal()?;
    let owner = owner_of(request);
    let ifname = conf.if0name.clone().unwrap_or_else(|| request.ifname.to_string());

    let _owner_lock = plugin.locks.owner(&owner, LOCK_DEADLINE)?;
    if journal.find(&owner)?.is_some() {
        return Err(SriovError::AlreadyAttached(owner.to_string()));
    }
    if pod.link_by_name(&ifname)?.is_some() {
        return Err(SriovError::IfNameTaken(ifname));
    }

    let wanted = select::wanted(plugin, conf)?;
    let pf = wanted.pf_addr();
    let lock_pf = || plugin.locks.device(&pf.to_string(), LOCK_DEADLINE);
    let pf_lock = Cell::new(Some(lock_pf()?));
    let vf = select::choose(plugin, conf, &journal, &host, wanted)?;
    let mode = select::mode(plugin, conf, request, &vf)?;
    if let Mode::Dpdk { driver } = &mode
        && plugin.sysfs.driver(vf.addr).as_deref() != Some(driver)
    {
        plugin.sysfs.prepare_bind(vf.addr, driver, &plugin.host.proc)?;
    }
    let states = vf.pf_states(&host)?;
    select::check_mac(plugin, conf, &journal, &host, &vf, &states)?;

    let before = before(plugin, conf, &host, &vf, &states)?;
    let detail = Detail {
        vf: vf.addr,
        pf: vf.pf.addr,
        pf_netdev: vf.pf.netdev.clone(),
        index: vf.index,
        netns: netns.id()?,
        ifname,
        settings: settings(conf, &mode, &before),
        mode,
        before,
        mtu: conf.mtu,
        device_info: devinfo::path(request)?,
        ipam: request.conf.ipam.is_some() && !conf.l2enable,
        result: None,
        routes: Vec::new(),
    };
    let entry = Entry { claim: Some(vf.addr.to_string()), owner: owner.clone() };
    let raw = String::from_utf8_lossy(request.conf.raw()).into_owned();
    let mut record = Record::new(journal.boot_id(), &request.conf.name, owner, raw, detail);
    write_record(&journal, &entry, &record)?;

    let detail = record.detail.clone();
    let mut undo = Undo::new(|| journal.remove(&entry).map_err(|e| e.to_string()));
    undo.push("give the VF back", || {
        // Still ours when attaching fails; given up before IPAM.
        let _lock = pf_lock.take().map_or_else(lock_pf, Ok).map_err(|e| chain(&e))?;
        restore::device(plugin, &host, &detail).map_err(|e| chain(&e))
    });
    let interface = attach::attach(plugin, &host, &pod, &netns, &detail)?;
    // Other VFs of the PF need not wait for IPAM.
    drop(pf_lock.take());
    let (result, routes) = with_addresses(request, &detail, &netns, &pod, interface, &mut undo)?;
    if let Some(path) = &detail.device_info {
        undo.push("remove the device-info file", || devinfo::remove(path).map_err(|e| chain(&e)));
        devinfo::write(path, &detail)?;
    }
    record.complete = true;
    record.detail.result = Some(result.clone());
    record.detail.routes = routes;
    write_record(&journal, &entry, &record)?;
    undo.commit();
    Ok(result)
}

/// Runs IPAM and, in kernel mode, configures what it returned. The result, and the routes in it that
/// are this attachment's own.
fn with_addresses<'a>(
    request: &'a Request,
    detail: &Detail,
    netns: &Netns,
    pod: &Rtnl,
    interface: Interface,
    undo: &mut Undo<'a>,
) -> Result<(AddResult, Vec<Route>), SriovError> {
    let mut result = request.conf.prev_result.clone().unwrap_or_default();
    let position = result.interfaces.len();
    result.interfaces.push(interface);
    if !detail.ipam {
        return Ok((result, Vec::new()));
    }
    undo.push("release the addresses", || ipam_del(request).map_err(|e| chain(&e)));
    let mut leased = delegate::ipam_add(request).map_err(SriovError::Delegate)?;
    if leased.ips.is_empty() {
        return Err(SriovError::NoAddress);
    }
    for ip in &mut leased.ips {
        ip.interface = Some(position);
    }
    if detail.mode == Mode::Kernel {
        address::configure(netns, pod, &detail.ifname, &leased)?;
    }
    result.ips.extend(leased.ips);
    result.routes.extend(leased.routes.clone());
    if result.dns.is_empty() {
        result.dns = leased.dns;
    }
    Ok((result, leased.routes))
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
fn own_mac(mode: &Mode, before: &Before) -> Option<hostnet::Mac> {
    let unset = before.state.mac.is_some_and(hostnet::Mac::is_zero);
    let own = before.netdev.as_ref().and_then(|n| n.mac).filter(|m| m.is_unicast());
    own.filter(|_| unset && *mode != Mode::Kernel)
}

/// Only a lease outlives the reboot that wipes everything else the record describes.
fn write_record(journal: &Journal, entry: &Entry, record: &SriovRecord) -> Result<(), SriovError> {
    let durability = if record.detail.ipam { Durability::Durable } else { Durability::Volatile };
    Ok(journal.write(entry, record, durability)?)
}

/// An error with its causes, for the log.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// Sandbox path as results name it.
pub(crate) fn sandbox(path: &Path) -> Option<String> {
    path.to_str().map(str::to_owned)
}
