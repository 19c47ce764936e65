//! What is published on the pod about an attachment (multi-net-spec 5).

use std::net::IpAddr;

use cni::{AddResult, Dns, IfName, Interface, Route};
use ipnetwork::IpNetwork;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The main routing table.
const MAIN: u32 = 254;

/// An entry of the annotation [`crate::annotation::NETWORK_STATUS`], which is a JSON list of them.
/// The keys, their order and what is left out are as Multus writes them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkStatus {
    /// `namespace/name` of the network, or the name of the default network.
    pub name: String,
    /// Name of the interface in the pod.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub interface: String,
    /// Its addresses, without prefix length.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ips: Vec<String>,
    /// Its hardware address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// Its MTU in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// Whether this is the cluster's default network; at most one entry of the list says so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub default: bool,
    /// Name service settings; present even if empty, because consumers expect it.
    #[serde(default)]
    pub dns: Dns,
    /// What the device-info file says about the device (device-info-spec 6.1).
    #[serde(default, rename = "device-info", skip_serializing_if = "Option::is_none")]
    pub device_info: Option<Value>,
    /// Gateways of the default routes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gateway: Vec<String>,
}

/// The entries for one attachment to the network `name`: one for each interface in the pod, each
/// with its own addresses. Exactly one, called `ifname`, when the result shows no interface in the
/// pod: results before 0.3.0, attachments without a kernel interface. When this is the `default`
/// network, the first entry is marked so.
///
/// An address without an interface, or with one that does not exist, is the first entry's; one of an
/// interface on the host is nobody's. A gateway goes where an address of its subnet is, or else to
/// the first entry. `device_info` goes to all.
#[must_use]
pub fn network_status(
    name: &str,
    ifname: &IfName,
    default: bool,
    result: &AddResult,
    device_info: Option<&Value>,
) -> Vec<NetworkStatus> {
    let inside = interfaces_of_pod(result, ifname);
    let mut entries: Vec<_> =
        inside.iter().map(|&index| entry(&result.interfaces[index])).collect();
    if entries.is_empty() {
        entries.push(entry(&Interface { name: ifname.to_string(), ..Interface::default() }));
    }
    for config in &result.ips {
        if let Some(position) = position(config.interface, result, &inside) {
            entries[position].ips.push(config.address.ip().to_string());
        }
    }
    for gateway in gateways(result) {
        entries[position_of_gateway(gateway, result, &inside)].gateway.push(gateway.to_string());
    }
    for entry in &mut entries {
        name.clone_into(&mut entry.name);
        entry.dns.clone_from(&result.dns);
        entry.device_info = device_info.cloned();
    }
    entries[0].default = default;
    entries
}

/// Indices of the interfaces that are in the pod: in its sandbox, or, if none is, those a process in
/// the pod drives: a device or a socket, or what has the name that was asked for.
fn interfaces_of_pod(result: &AddResult, ifname: &IfName) -> Vec<usize> {
    let indices = |inside: &dyn Fn(&Interface) -> bool| -> Vec<usize> {
        let all = result.interfaces.iter().enumerate();
        all.filter(|(_, interface)| inside(interface)).map(|(index, _)| index).collect()
    };
    let in_sandbox = indices(&|interface| interface.sandbox.is_some());
    if !in_sandbox.is_empty() {
        return in_sandbox;
    }
    indices(&|interface| {
        interface.pci_id.is_some()
            || interface.socket_path.is_some()
            || interface.name == ifname.as_str()
    })
}

fn entry(interface: &Interface) -> NetworkStatus {
    NetworkStatus {
        interface: interface.name.clone(),
        mac: interface.mac.clone(),
        mtu: interface.mtu,
        ..NetworkStatus::default()
    }
}

/// The entry an address belongs to (multi-net-spec 5.3.3).
fn position(interface: Option<usize>, result: &AddResult, inside: &[usize]) -> Option<usize> {
    match interface {
        Some(index) if index < result.interfaces.len() => {
            inside.iter().position(|&inside| inside == index)
        }
        _ => Some(0),
    }
}

/// The next hops of the default routes; of a route without one, the gateway of an address (CNI spec
/// 5: the plugin's default).
fn gateways(result: &AddResult) -> Vec<IpAddr> {
    let mut gateways = Vec::new();
    for route in result.routes.iter().filter(|route| is_default(route)) {
        let same_family = |gateway: &IpAddr| gateway.is_ipv4() == route.dst.is_ipv4();
        let of_address = || result.ips.iter().filter_map(|config| config.gateway).find(same_family);
        if let Some(gateway) = route.gw.or_else(of_address)
            && !gateways.contains(&gateway)
        {
            gateways.push(gateway);
        }
    }
    gateways
}

fn is_default(route: &Route) -> bool {
    let all = |dst: &IpNetwork| dst.prefix() == 0;
    all(&route.dst) && route.table.is_none_or(|table| table == MAIN)
}

fn position_of_gateway(gateway: IpAddr, result: &AddResult, inside: &[usize]) -> usize {
    let mut near = result.ips.iter().filter(|config| config.address.contains(gateway));
    near.find_map(|config| position(config.interface, result, inside)).unwrap_or(0)
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
