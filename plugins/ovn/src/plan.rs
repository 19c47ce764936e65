//! What an ADD is going to do, as its record will hold it.

use std::collections::BTreeMap;

use attachment::rows;
use cni::Request;
use hostnet::{Mac, NetnsId};
use journal::{Journal, Owner};
use ovsdb::northbound::{Addresses, NewLogicalPort};
use ovsdb::vswitch::{NewPort, PortKind, Vlans};

use crate::conf::Conf;
use crate::record::{Detail, SOCKET, SocketDetail};
use crate::restore;

/// Who is attached, where.
pub(crate) struct Site<'a> {
    /// The attachment.
    pub(crate) owner: &'a Owner,
    /// Its ports' name.
    pub(crate) name: &'a str,
    /// The MAC of its interface.
    pub(crate) mac: Mac,
    /// The chassis.
    pub(crate) chassis: &'a str,
    /// The pod's namespace.
    pub(crate) netns: NetnsId,
}

/// Plans the attachment.
pub(crate) fn plan(
    request: &Request,
    conf: &Conf,
    journal: &Journal,
    site: Site<'_>,
    socket: Option<SocketDetail>,
) -> Detail {
    let mut ids = rows::external_ids(request, site.owner, journal.boot_id());
    ids.insert(restore::CHASSIS.to_owned(), site.chassis.to_owned());
    Detail {
        nb: conf.nb.clone(),
        logical: logical_port(conf, site.name, site.mac, ids.clone()),
        ovsdb: conf.ovsdb.clone(),
        port: port(conf, site.name, site.mac, ids, socket.as_ref()),
        ifname: request.ifname.to_string(),
        socket,
        netns: site.netns,
        ipam: request.conf.ipam.is_some(),
    }
}

fn logical_port(
    conf: &Conf,
    name: &str,
    mac: Mac,
    owner: BTreeMap<String, String>,
) -> NewLogicalPort {
    let mac = mac.to_string();
    NewLogicalPort {
        switch: conf.switch.clone(),
        create: conf.create_switch.clone(),
        name: name.to_owned(),
        addresses: if conf.dynamic {
            Addresses::Dynamic { mac }
        } else {
            // The addresses come when IPAM was asked.
            Addresses::Fixed { mac, ips: Vec::new() }
        },
        port_security: conf.port_security,
        dhcp: conf.dhcp.clone(),
        limits: conf.limits.clone(),
        owner,
    }
}

fn port(
    conf: &Conf,
    name: &str,
    mac: Mac,
    owner: BTreeMap<String, String>,
    socket: Option<&SocketDetail>,
) -> NewPort {
    let client = |socket: &SocketDetail| PortKind::VhostUserClient {
        socket: socket.place.switch_dir().join(SOCKET),
    };
    NewPort {
        bridge: conf.bridge.clone(),
        create_bridge: false,
        name: name.to_owned(),
        kind: socket.map_or(PortKind::System, client),
        vlans: Vlans::default(),
        mtu: None,
        from_port: None,
        to_port: None,
        mac: mac.to_string(),
        iface_id: Some(name.to_owned()),
        owner,
    }
}
