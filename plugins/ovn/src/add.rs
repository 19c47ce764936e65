//! ADD: parse, validate, lock, record, act, complete.

use std::path::Path;
use std::thread;

use attachment::{addresses, ipam_del, lock_new, merge, netns_of, owner_of, record_of, rows};
use cni::{AddResult, Interface, Request, delegate, logging};
use hostnet::{Mac, Netns, Rtnl, Undo};
use journal::{Durability, Entry};
use ovsdb::{Northbound, Vswitch, northbound};

use crate::conf::{Conf, Kind};
use crate::error::OvnError;
use crate::plan::{Site, plan};
use crate::record::{Detail, Done, SocketDetail};
use crate::{Ovn, PREFIX, deadline, mtu, overlay, pod, restore, socket};

pub(crate) fn add(plugin: &Ovn, request: &Request) -> Result<AddResult, cni::Error> {
    logging::init_of(&request.conf, &owner_of(request).to_string());
    let conf = Conf::of_request(request).map_err(OvnError::from)?;
    conf.warnings.iter().for_each(|warning| log::warn!("{warning}"));
    Ok(attach(plugin, request, &conf)?)
}

fn attach(plugin: &Ovn, request: &Request, conf: &Conf) -> Result<AddResult, OvnError> {
    delegate::ipam_exists(request).map_err(OvnError::Delegate)?;
    let netns = Netns::open(netns_of(request)?)?;
    let journal = plugin.journal()?;
    let owner = owner_of(request);

    let _owner_lock = lock_new(&journal, &plugin.locks, &owner)?;
    let name = rows::port_name(PREFIX, &owner);
    let chosen = match &conf.kind {
        Kind::Veth => None,
        Kind::VhostUser(wish) => Some(socket::choose(plugin, conf, wish, request, &name)?),
    };
    let mut switch = Vswitch::connect(&conf.ovsdb, deadline())?;
    let view = switch.look(&conf.bridge, &name, deadline())?;
    let chassis = view.switch.external_ids.get("system-id").ok_or(OvnError::NoChassis)?;
    let mac = conf.mac.unwrap_or_else(|| Mac(rows::mac(&owner, journal.boot_id())));
    let site = Site { owner: &owner, name: &name, mac, chassis, netns: netns.id()? };
    let detail = plan(request, conf, &journal, site, chosen.as_ref().map(|one| one.socket.clone()));
    view.admits(&detail.port)?;
    let host = Rtnl::here()?;
    let mtu = conf.mtu.unwrap_or_else(|| mtu::of_tunnel(&view.switch, &host));

    let entry = Entry { claim: Some(detail.claim()), owner };
    let record = record_of(&journal, request, detail.clone());
    journal.write(&entry, &record, Durability::Volatile)?;
    let mut undo = Undo::new(|| journal.remove(&entry).map_err(|e| cni::chain(&e)));
    // The disk is at work while the leader is looked for; rows are not made before it is done.
    let (durable, nb) = thread::scope(|scope| {
        let durable = scope.spawn(|| journal.sync(&entry));
        let nb = overlay::connect(&conf.nb, deadline());
        (durable.join().expect("it does not panic"), nb)
    });
    durable?;
    let mut nb = nb?;
    undo.push("remove the logical port", || {
        let theirs = [restore::theirs(&entry.owner)];
        restore::logical(&detail.nb, &theirs).map_err(|e| cni::chain(&e))
    });
    if detail.ipam {
        undo.push("release the addresses", || ipam_del(request).map_err(|e| cni::chain(&e)));
    }
    let given = add_logical_port(&mut nb, request, conf, &detail)?;
    undo.push("remove the interface", || {
        restore::interface(&detail, true).map_err(|e| cni::chain(&e))
    });
    let pair = match &chosen {
        Some(chosen) => socket::make(chosen, request, &detail, mtu, &given).map(|()| None)?,
        None => Some(pod::make(&detail, &host, &netns, mtu)?),
    };
    undo.push("remove the port", || {
        let theirs = [restore::theirs(&entry.owner)];
        restore::port(&detail.ovsdb, &theirs).map_err(|e| cni::chain(&e))
    });
    let change = switch.begin_port(&detail.port, view, deadline())?;
    // The switch, the chassis and northd are at work meanwhile.
    if let Some(pair) = &pair {
        pair.configure(mac, mtu, &given)?;
    }
    switch.await_port(&detail.port.name, change, deadline())?;
    await_flows(&mut switch, &detail)?;
    if let Some(pair) = &pair {
        pair.announce(&plugin.host.proc, mac);
    }
    nb.await_up(&detail.logical.name, deadline())?;
    let result = result(request, &detail, mtu, &given);
    journal.append(&entry, &Done { result: result.clone(), routes: given.routes })?;
    undo.commit();
    Ok(result)
}

/// Asks IPAM, or else OVN, for the addresses, and makes the logical port with them.
fn add_logical_port(
    nb: &mut Northbound,
    request: &Request,
    conf: &Conf,
    detail: &Detail,
) -> Result<AddResult, OvnError> {
    let mut given = addresses(request, &conf.ips).map_err(OvnError::Delegate)?;
    let ips = given.ips.iter().map(|ip| ip.address.ip()).collect();
    given.ips.extend(overlay::add(nb, &detail.logical.with_ips(ips), deadline())?);
    given.routes.extend(conf.routes.clone());
    Ok(given)
}

/// Waits until the chassis has bound the port and has its flows: frames pass from then on.
fn await_flows(switch: &mut Vswitch, detail: &Detail) -> Result<(), OvnError> {
    let late = || northbound::Error::NotBound { port: detail.logical.name.clone() };
    switch
        .await_installed(&detail.port.name, deadline())
        .map_err(|error| if error.timed_out_at().is_some() { late().into() } else { error.into() })
}

fn result(request: &Request, detail: &Detail, mtu: u32, given: &AddResult) -> AddResult {
    let mut result = request.conf.prev_result.clone().unwrap_or_default();
    let sandbox = request.netns.as_deref().and_then(Path::to_str).map(str::to_owned);
    let interface = |name: &str, sandbox| Interface {
        name: name.to_owned(),
        mac: None,
        mtu: Some(mtu),
        sandbox,
        socket_path: None,
        pci_id: None,
    };
    if detail.socket.is_none() {
        result.interfaces.push(interface(&detail.port.name, None));
    }
    let position = result.interfaces.len();
    let socket_path = detail.socket.as_ref().map(SocketDetail::pod_path);
    let inner = Interface { socket_path, ..interface(&detail.ifname, sandbox) };
    result.interfaces.push(Interface { mac: Some(detail.port.mac.clone()), ..inner });
    merge(&mut result, position, given);
    result
}
