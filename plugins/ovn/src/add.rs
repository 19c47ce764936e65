//! ADD: parse, validate, lock, record, act, complete.

use std::collections::BTreeMap;
use std::path::Path;

use attachment::{LOCK_DEADLINE, addresses, ipam_del, merge, owner_of, record_of, rows};
use cni::{AddResult, Interface, Request, delegate, logging};
use hostnet::{Mac, Netns, Rtnl, Undo};
use journal::{Durability, Entry, Journal, Owner};
use ovsdb::Vswitch;
use ovsdb::northbound::{Addresses, NewLogicalPort};
use ovsdb::vswitch::{NewPort, PortKind, Vlans};

use crate::conf::{Conf, Kind, Socket};
use crate::error::OvnError;
use crate::record::{Detail, Done, SOCKET, SocketDetail};
use crate::socket::Facts;
use crate::{Ovn, PREFIX, deadline, mtu, overlay, pod, restore, socket};

pub(crate) fn add(plugin: &Ovn, request: &Request) -> Result<AddResult, cni::Error> {
    logging::init_of(&request.conf, &owner_of(request).to_string());
    let conf = Conf::of_request(request).map_err(OvnError::from)?;
    conf.warnings.iter().for_each(|warning| log::warn!("{warning}"));
    Ok(attach(plugin, request, &conf)?)
}

fn attach(plugin: &Ovn, request: &Request, conf: &Conf) -> Result<AddResult, OvnError> {
    delegate::ipam_exists(request).map_err(OvnError::Delegate)?;
    let netns = Netns::open(request.netns.as_deref().ok_or(OvnError::NoNetns)?)?;
    let journal = plugin.journal()?;
    let owner = owner_of(request);
    let _owner_lock = plugin.locks.owner(&owner, LOCK_DEADLINE)?;
    if journal.find(&owner)?.is_some() {
        return Err(OvnError::AlreadyAttached(owner.to_string()));
    }
    let mut switch = Vswitch::connect(&conf.ovsdb, deadline())?;
    let view = switch.look(&conf.bridge, &rows::port_name(PREFIX, &owner), deadline())?;
    let chassis = view.switch.external_ids.get("system-id").ok_or(OvnError::NoChassis)?;
    let mut nb = overlay::connect(&conf.nb, deadline())?;
    let mac = conf.mac.unwrap_or_else(|| Mac(rows::mac(&owner, journal.boot_id())));
    let ids = ids(request, &owner, &journal, chassis);
    let (socket, numa) = match &conf.kind {
        Kind::Veth => (None, None),
        Kind::VhostUser(wish) => {
            let name = rows::port_name(PREFIX, &owner);
            let (socket, numa) = socket::choose(&plugin.host, conf, wish, request, &name)?;
            (Some(socket), numa)
        }
    };
    let detail = detail(request, conf, mac, &ids, socket, &netns)?;
    view.admits(&detail.port)?;

    let name = &detail.port.name;
    let claim = detail.socket.as_ref().map_or_else(|| name.clone(), |one| one.place.claim(name));
    let entry = Entry { claim: Some(claim), owner: owner.clone() };
    let record = record_of(&journal, request, detail.clone());
    journal.write(&entry, &record, Durability::Durable)?;
    let mut undo = Undo::new(|| journal.remove(&entry).map_err(|e| cni::chain(&e)));
    undo.push("remove the logical port", || {
        restore::logical(&detail.nb, &[restore::theirs(&owner)]).map_err(|e| cni::chain(&e))
    });
    if detail.ipam {
        undo.push("release the addresses", || ipam_del(request).map_err(|e| cni::chain(&e)));
    }
    let mut given = addresses(request, &conf.ips).map_err(OvnError::Delegate)?;
    let mut logical = detail.logical.clone();
    if let Addresses::Fixed { ips, .. } = &mut logical.addresses {
        *ips = given.ips.iter().map(|ip| ip.address.ip()).collect();
    }
    given.ips.extend(overlay::add(&mut nb, &logical, deadline())?);

    let mtu = match conf.mtu {
        Some(mtu) => mtu,
        None => mtu::of_tunnel(&view.switch, &Rtnl::here()?),
    };
    undo.push("remove the interface", || {
        restore::interface(&detail, true).map_err(|e| cni::chain(&e))
    });
    match (&detail.socket, &conf.kind) {
        (Some(socket), Kind::VhostUser(Socket { queues, .. })) => {
            let directory = handover::make(&socket.place, &socket.rights)?;
            let facts = Facts { request, queues: *queues, numa, mtu, given: &given };
            socket::hand_over(&directory, &detail, socket, &facts)?;
        }
        _ => pod::make(&detail, mac, mtu, &netns, &given)?,
    }
    undo.push("remove the port", || {
        restore::port(&detail.ovsdb, &[restore::theirs(&owner)]).map_err(|e| cni::chain(&e))
    });
    switch.add_port(&detail.port, view.clone(), deadline())?;
    nb.await_up(&detail.logical.name, deadline())?;
    switch.await_installed(&detail.port.name, deadline())?;
    if detail.socket.is_none() {
        pod::announce(&detail, &netns, &given)?;
    }

    let result = result(request, &detail, mtu, &given);
    journal.append(&entry, &Done { result: result.clone(), routes: given.routes })?;
    undo.commit();
    Ok(result)
}

/// By which all rows of the attachment are found again.
fn ids(
    request: &Request,
    owner: &Owner,
    journal: &Journal,
    chassis: &str,
) -> BTreeMap<String, String> {
    let mut ids = rows::external_ids(request, owner, journal.boot_id());
    ids.insert(restore::CHASSIS.to_owned(), chassis.to_owned());
    ids
}

/// What is going to be done.
fn detail(
    request: &Request,
    conf: &Conf,
    mac: Mac,
    ids: &BTreeMap<String, String>,
    socket: Option<SocketDetail>,
    netns: &Netns,
) -> Result<Detail, OvnError> {
    let name = rows::port_name(PREFIX, &owner_of(request));
    let mac = mac.to_string();
    let addresses = if conf.dynamic {
        Addresses::Dynamic { mac: mac.clone() }
    } else {
        // The addresses come when IPAM was asked.
        Addresses::Fixed { mac: mac.clone(), ips: Vec::new() }
    };
    Ok(Detail {
        nb: conf.nb.clone(),
        logical: NewLogicalPort {
            switch: conf.switch.clone(),
            create: conf.create_switch.clone(),
            name: name.clone(),
            addresses,
            port_security: conf.port_security,
            dhcp: conf.dhcp.clone(),
            limits: conf.limits.clone(),
            owner: ids.clone(),
        },
        ovsdb: conf.ovsdb.clone(),
        port: NewPort {
            bridge: conf.bridge.clone(),
            create_bridge: false,
            name: name.clone(),
            kind: match &socket {
                None => PortKind::System,
                Some(socket) => {
                    let socket = socket.place.switch_dir().join(SOCKET);
                    PortKind::VhostUserClient { socket }
                }
            },
            vlans: Vlans::default(),
            mtu: None,
            from_port: None,
            to_port: None,
            mac,
            iface_id: Some(name),
            owner: ids.clone(),
        },
        ifname: request.ifname.to_string(),
        socket,
        netns: netns.id()?,
        ipam: request.conf.ipam.is_some(),
    })
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
