//! The logical port: connecting to the database, adding, and what was given to it.

use std::net::IpAddr;
use std::time::Instant;

use cni::IpConfig;
use ipnetwork::IpNetwork;
use ovsdb::northbound::{Addresses, LogicalView, NewLogicalPort};
use ovsdb::{Identity, Northbound};

use crate::conf::{Database, TlsFiles};
use crate::error::OvnError;

/// Connects to the server that may be written to.
pub(crate) fn connect(database: &Database, deadline: Instant) -> Result<Northbound, OvnError> {
    let identity = match &database.tls {
        None => Identity::default(),
        Some(TlsFiles { key, certificate, authority }) => {
            Identity::load(key, certificate, authority)?
        }
    };
    Ok(Northbound::connect(&database.servers, &identity, deadline)?)
}

/// Adds the port; returns the addresses that `ovn-northd` gave it, none where they were fixed. Nothing is plugged
/// into it yet, so that nobody sends before the port is pinned to them.
pub(crate) fn add(
    nb: &mut Northbound,
    port: &NewLogicalPort,
    deadline: Instant,
) -> Result<Vec<IpConfig>, OvnError> {
    nb.add_port(port, deadline)?;
    let Addresses::Dynamic { mac } = &port.addresses else { return Ok(Vec::new()) };
    let text = nb.await_addresses(&port.name, deadline)?;
    if port.port_security {
        nb.pin_addresses(&port.name, mac, &text, deadline)?;
    }
    let view = nb.look(&port.switch, &port.name, deadline)?;
    given(&text, &view).ok_or_else(|| OvnError::NoSubnet(port.switch.clone()))
}

/// `MAC IP` in the subnet of the switch.
fn given(text: &str, view: &LogicalView) -> Option<Vec<IpConfig>> {
    let subnet: IpNetwork = view.switches.first()?.other_config.get("subnet")?.parse().ok()?;
    let ips = text.split(' ').skip(1).filter_map(|ip| ip.parse::<IpAddr>().ok());
    let in_subnet = |ip| IpNetwork::new(ip, subnet.prefix()).ok();
    let ips: Vec<IpConfig> = ips
        .filter_map(in_subnet)
        .map(|address| IpConfig { address, gateway: None, interface: None })
        .collect();
    (!ips.is_empty()).then_some(ips)
}
