//! ADD: parse, validate, lock, record, act, complete.

use std::cell::Cell;

use attachment::{LOCK_DEADLINE, ipam_del, lock_new, netns_of, owner_of, record_of};
use cni::{AddResult, Interface, Request, Route, delegate, logging};
use hostnet::{Netns, Rtnl, Undo};
use journal::{Durability, Entry, Journal};

use crate::conf::Conf;
use crate::error::SriovError;
use crate::record::{Detail, Mode, SriovRecord};
use crate::{Sriov, attach, devinfo, plan, restore, select};

pub(crate) fn add(plugin: &Sriov, request: &Request) -> Result<AddResult, cni::Error> {
    logging::init_of(&request.conf, &owner_of(request).to_string());
    let conf = Conf::of_request(request).map_err(SriovError::from)?;
    conf.warnings.iter().for_each(|warning| log::warn!("{warning}"));
    Ok(attach_vf(plugin, request, &conf)?)
}

fn attach_vf(plugin: &Sriov, request: &Request, conf: &Conf) -> Result<AddResult, SriovError> {
    if !conf.l2enable {
        delegate::ipam_exists(request).map_err(SriovError::Delegate)?;
    }
    let sandbox = Sandbox::open(request, conf)?;
    let journal = plugin.journal()?;
    let owner = owner_of(request);

    let _owner_lock = lock_new(&journal, &plugin.locks, &owner)?;
    let wanted = select::wanted(plugin, conf)?;
    let pf = wanted.pf_addr().to_string();
    let lock_pf = || plugin.locks.device(&pf, LOCK_DEADLINE);
    let pf_lock = Cell::new(Some(lock_pf()?));
    let vf = select::choose(plugin, conf, &journal, &sandbox.host, wanted)?;
    let detail = plan::plan(plugin, request, conf, &journal, &sandbox, &vf)?;

    let entry = Entry { claim: Some(vf.addr.to_string()), owner: owner.clone() };
    let mut record = record_of(&journal, request, detail.clone());
    write_record(&journal, &entry, &record)?;
    let mut undo = Undo::new(|| journal.remove(&entry).map_err(|e| e.to_string()));
    undo.push("give the VF back", || {
        // Still ours when attaching fails; given up before IPAM.
        let _lock = pf_lock.take().map_or_else(lock_pf, Ok).map_err(|e| cni::chain(&e))?;
        restore::device(plugin, &sandbox.host, &detail).map_err(|e| cni::chain(&e))
    });
    let interface = attach::attach(plugin, &sandbox, &detail)?;
    // Other VFs of the PF need not wait for IPAM.
    drop(pf_lock.take());
    let (result, routes) = with_addresses(request, &detail, &sandbox, interface, &mut undo)?;
    if let Some(path) = &detail.device_info {
        undo.push("remove the device-info file", || {
            npwg::devinfo::remove(path).map_err(|e| cni::chain(&e))
        });
        devinfo::write(path, &detail)?;
    }
    record.complete = true;
    record.detail.result = Some(result.clone());
    record.detail.routes = routes;
    write_record(&journal, &entry, &record)?;
    undo.commit();
    Ok(result)
}

/// The pod's namespace, connections to both sides, and the name that is free for the VF.
pub(crate) struct Sandbox {
    pub(crate) netns: Netns,
    pub(crate) host: Rtnl,
    pub(crate) pod: Rtnl,
    pub(crate) ifname: String,
}

impl Sandbox {
    fn open(request: &Request, conf: &Conf) -> Result<Self, SriovError> {
        let netns = Netns::open(netns_of(request)?)?;
        if netns.id()?.is_same(&Netns::current()?.id()?) {
            return Err(SriovError::HostNetns);
        }
        let host = Rtnl::here()?;
        let pod = host.inside(&netns)?;
        let ifname = conf.if0name.clone().unwrap_or_else(|| request.ifname.to_string());
        if pod.link_by_name(&ifname)?.is_some() {
            return Err(SriovError::IfNameTaken(ifname));
        }
        Ok(Self { netns, host, pod, ifname })
    }
}

/// Runs IPAM and, in kernel mode, configures what it returned. The result, and the routes in it that
/// are this attachment's own.
fn with_addresses<'a>(
    request: &'a Request,
    detail: &Detail,
    sandbox: &Sandbox,
    interface: Interface,
    undo: &mut Undo<'a>,
) -> Result<(AddResult, Vec<Route>), SriovError> {
    let mut result = request.conf.prev_result.clone().unwrap_or_default();
    let position = result.interfaces.len();
    result.interfaces.push(interface);
    if !detail.ipam {
        return Ok((result, Vec::new()));
    }
    undo.push("release the addresses", || ipam_del(request).map_err(|e| cni::chain(&e)));
    let mut leased = delegate::ipam_add(request).map_err(SriovError::Delegate)?;
    if leased.ips.is_empty() {
        return Err(SriovError::NoAddress);
    }
    for ip in &mut leased.ips {
        ip.interface = Some(position);
    }
    if detail.mode == Mode::Kernel {
        let Sandbox { netns, pod, ifname, .. } = sandbox;
        podlink::configure(pod, ifname, &leased)?;
        podlink::announce(netns, pod, ifname, &leased);
    }
    result.ips.extend(leased.ips);
    result.routes.extend(leased.routes.clone());
    if result.dns.is_empty() {
        result.dns = leased.dns;
    }
    Ok((result, leased.routes))
}

/// Only a lease outlives the reboot that wipes everything else the record describes.
fn write_record(journal: &Journal, entry: &Entry, record: &SriovRecord) -> Result<(), SriovError> {
    let durability = if record.detail.ipam { Durability::Durable } else { Durability::Volatile };
    Ok(journal.write(entry, record, durability)?)
}
