//! What the northbound database has for an external network:
//!
//! ```text
//! ROUTER --- NAME-join --- NAME-gateway --- NAME-external --- localnet port: the bridge of the chassis
//!   |                       (NAT, routes)
//! logical switches of pods
//! ```
//!
//! The gateway is bound to its chassis (`options:chassis`). Where there are several, its external port is:
//! OVN moves it to the next one when a chassis is no more heard of.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnetwork::IpNetwork;
use ovsdb::declared::Declared;
use ovsdb::northbound::declared::{
    GATEWAY_CHASSIS, LOGICAL_ROUTER, LOGICAL_ROUTER_PORT, LOGICAL_SWITCH, LOGICAL_SWITCH_PORT, NAT,
    STATIC_ROUTE,
};
use ovsdb::{map, set};
use serde_json::json;

use super::file::{External, Gateway, Mode};

impl External {
    /// All rows of the northbound database.
    pub(super) fn logical(&self) -> Vec<Declared> {
        let mut rows = self.gateway_router();
        rows.extend(self.join_switch());
        rows.extend(self.external_switch());
        rows.extend(self.cluster_router());
        rows.extend(self.routes());
        rows.extend(self.translations());
        rows
    }

    /// What a part of it is called.
    fn part(&self, part: &str) -> String {
        format!("{}-{part}", self.name)
    }

    fn gateway_router(&self) -> Vec<Declared> {
        let name = self.part("gateway");
        let bound = match &self.gateways[..] {
            [Gateway { chassis, .. }] => vec![("chassis", chassis)],
            _ => Vec::new(),
        };
        let router = Declared::named(&LOGICAL_ROUTER, None, &name).with("options", map(bound));
        let external = self.part("gateway-external");
        let mut rows = vec![
            router,
            router_port(&name, &self.part("gateway-join"), &self.join_addresses(2)),
            router_port(&name, &external, &self.addresses),
        ];
        // One alone needs no priority: it has the whole router.
        let several = self.gateways.iter().filter(|_| self.gateways.len() > 1);
        rows.extend(several.map(|Gateway { chassis, priority, .. }| {
            Declared::named(&GATEWAY_CHASSIS, Some(&external), &format!("{external}-{chassis}"))
                .with("chassis_name", json!(chassis))
                .with("priority", json!(priority))
        }));
        rows
    }

    fn join_switch(&self) -> Vec<Declared> {
        let name = self.part("join");
        let to = |side: &str, port: &str| switch_port(&name, &self.part(side), &self.part(port));
        vec![
            Declared::named(&LOGICAL_SWITCH, None, &name),
            to("join-router", "router-join"),
            to("join-gateway", "gateway-join"),
        ]
    }

    fn external_switch(&self) -> Vec<Declared> {
        let name = self.part("external");
        let port = self.part("gateway-external");
        let network = [("network_name", &self.physical_network)];
        vec![
            Declared::named(&LOGICAL_SWITCH, None, &name),
            // Who takes over the port tells the world outside by gratuitous ARP, of NAT's addresses as well.
            switch_port(&name, &self.part("external-gateway"), &port).with(
                "options",
                map([("router-port", port.as_str()), ("nat-addresses", "router")]),
            ),
            Declared::named(&LOGICAL_SWITCH_PORT, Some(&name), &self.part("external-localnet"))
                .with("type", json!("localnet"))
                .with("addresses", set(["unknown"]))
                .with("options", map(network))
                .with("tag", set(self.vlan)),
        ]
    }

    /// The cluster's own router: its port to the gateway, and those to switches that are to be joined.
    fn cluster_router(&self) -> Vec<Declared> {
        let router = &self.router;
        let mut rows =
            vec![router_port(router, &self.part("router-join"), &self.join_addresses(1))];
        if self.create_router {
            rows.push(Declared::named(&LOGICAL_ROUTER, None, router));
        }
        for (switch, addresses) in self.joined_switches() {
            let port = self.part(&format!("router-{switch}"));
            rows.push(router_port(router, &port, &addresses));
            rows.push(switch_port(switch, &self.part(&format!("{switch}-router")), &port));
        }
        rows
    }

    /// The switches that are to be joined to the router, and its addresses there: one of each family, mostly.
    fn joined_switches(&self) -> BTreeMap<&str, Vec<IpNetwork>> {
        let mut switches: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for inside in &self.networks {
            if let Some((switch, gateway)) = inside.switch.as_deref().zip(inside.gateway) {
                switches.entry(switch).or_default().push(with_prefix(gateway, &inside.subnet));
            }
        }
        switches
    }

    /// Out from the cluster's router by the gateway, from there further; and back to the pods.
    fn routes(&self) -> Vec<Declared> {
        let gateway = self.part("gateway");
        let [router_side, gateway_side] = [1, 2].map(|host| self.join_addresses(host));
        let destinations = self.destinations();
        let out = destinations
            .iter()
            .filter_map(|to| Some(route(&self.router, to, same(to, &gateway_side)?)));
        let further = destinations.iter().filter_map(|to| {
            let hop = self.next_hops.iter().find(|hop| hop.is_ipv4() == to.is_ipv4())?;
            Some(route(&gateway, to, *hop))
        });
        let back = self.networks.iter().filter_map(|inside| {
            Some(route(&gateway, &inside.subnet, same(&inside.subnet, &router_side)?))
        });
        out.chain(further).chain(back).collect()
    }

    /// Destinations that lie outside: everything of the families that we have addresses of, unless told.
    pub(super) fn destinations(&self) -> Vec<IpNetwork> {
        if !self.routes.is_empty() {
            return self.routes.clone();
        }
        let all =
            ["0.0.0.0/0", "::/0"].map(|text| text.parse::<IpNetwork>().expect("it is a network"));
        all.into_iter().filter(|all| same(all, &self.addresses).is_some()).collect()
    }

    fn translations(&self) -> Vec<Declared> {
        if self.mode == Mode::Routed {
            return Vec::new();
        }
        let gateway = self.part("gateway");
        let nat = |kind: &str, outside: String, inside: String| {
            Declared::of(&NAT, Some(&gateway))
                .with("type", json!(kind))
                .with("external_ip", json!(outside))
                .with("logical_ip", json!(inside))
        };
        let ours = self.networks.iter().filter_map(|inside| {
            let outside = same(&inside.subnet, &self.addresses)?;
            Some(nat("snat", outside.to_string(), inside.subnet.to_string()))
        });
        let published = self.publish.iter();
        let published = published
            .map(|(outside, pod)| nat("dnat_and_snat", outside.to_string(), pod.to_string()));
        ours.chain(published).collect()
    }

    /// The address of that number in each network between the two routers, as far as it is needed.
    pub(super) fn join_addresses(&self, host: u8) -> Vec<IpNetwork> {
        let needed = self.join.iter().filter(|join| same(join, &self.addresses).is_some());
        let address = |join: &IpNetwork| match join.network() {
            IpAddr::V4(base) => IpAddr::V4((u32::from(base) + u32::from(host)).into()),
            IpAddr::V6(base) => IpAddr::V6((u128::from(base) + u128::from(host)).into()),
        };
        needed.map(|join| with_prefix(address(join), join)).collect()
    }
}

/// The first of these addresses that is of the same family.
fn same(network: &IpNetwork, addresses: &[IpNetwork]) -> Option<IpAddr> {
    addresses.iter().find(|one| one.is_ipv4() == network.is_ipv4()).map(IpNetwork::ip)
}

fn with_prefix(address: IpAddr, network: &IpNetwork) -> IpNetwork {
    IpNetwork::new(address, network.prefix())
        .expect("it is the prefix of another one of its family")
}

fn router_port(router: &str, name: &str, networks: &[IpNetwork]) -> Declared {
    Declared::named(&LOGICAL_ROUTER_PORT, Some(router), name)
        .with("networks", set(networks.iter().map(ToString::to_string)))
        .with("mac", json!(networks.first().map_or_else(String::new, |first| mac(first.ip()))))
}

/// The port of a switch at whose other side is that of a router.
fn switch_port(switch: &str, name: &str, router_port: &str) -> Declared {
    Declared::named(&LOGICAL_SWITCH_PORT, Some(switch), name)
        .with("type", json!("router"))
        .with("addresses", set(["router"]))
        .with("options", map([("router-port", router_port)]))
}

fn route(router: &str, to: &IpNetwork, hop: IpAddr) -> Declared {
    Declared::of(&STATIC_ROUTE, Some(router))
        .with("ip_prefix", json!(to.to_string()))
        .with("nexthop", json!(hop.to_string()))
}

/// A locally administered MAC, made of an address: as unique as that, and the same every time.
fn mac(address: IpAddr) -> String {
    let bytes = match address {
        IpAddr::V4(address) => address.octets(),
        IpAddr::V6(address) => {
            u32::try_from(u128::from(address) & 0xffff_ffff).unwrap_or(0).to_be_bytes()
        }
    };
    let digits = bytes.map(|byte| format!("{byte:02x}"));
    format!("0a:58:{}", digits.join(":"))
}

#[cfg(test)]
#[path = "logical_tests.rs"]
mod tests;
