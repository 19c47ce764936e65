//! The file of an external network, parsed into typed values. Nothing here touches the host.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::IpAddr;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use cni::IfName;
use ipnetwork::IpNetwork;
use ovsdb::Address;
use serde::{Deserialize, Deserializer};
use vf::PciAddr;

/// Longest name: with what is added to it, it is still one that people read.
const MAX_NAME: usize = 40;
/// Highest priority of a gateway chassis (`Gateway_Chassis` in ovn-nb(5)).
const MAX_PRIORITY: u16 = 32_767;

/// A network outside of the overlay, and how pods are reached from there.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct External {
    /// Begins the names of all that is made for it.
    pub(super) name: String,
    /// Servers of the northbound database.
    #[serde(default = "default_nb", deserialize_with = "one_or_several")]
    pub(super) nb: Vec<Address>,
    /// Who we are to servers that are reached by TLS.
    pub(super) tls: Option<TlsFiles>,
    /// Logical router of the cluster.
    pub(super) router: String,
    /// Makes the router where it is missing.
    #[serde(default)]
    pub(super) create_router: bool,
    /// Networks of the overlay that are to be reached.
    pub(super) networks: Vec<Inside>,
    /// Name of the physical network, by which the chassis find their bridge.
    pub(super) physical_network: String,
    /// VLAN of the external network.
    pub(super) vlan: Option<u16>,
    /// Bridge that has the external interface.
    pub(super) bridge: String,
    /// Our addresses on the external network.
    pub(super) addresses: Vec<IpNetwork>,
    /// Routers of the external network that lead further.
    #[serde(default)]
    pub(super) next_hops: Vec<IpAddr>,
    /// Destinations that lie that way; without any, all.
    #[serde(default)]
    pub(super) routes: Vec<IpNetwork>,
    /// Networks between the cluster's router and the gateway: two addresses each.
    #[serde(default = "default_join")]
    pub(super) join: Vec<IpNetwork>,
    /// Whether pods are seen outside by their own addresses.
    pub(super) mode: Mode,
    /// External addresses of pods.
    #[serde(default)]
    pub(super) publish: BTreeMap<IpAddr, IpAddr>,
    /// The chassis that have the external interface.
    pub(super) gateways: Vec<Gateway>,
}

/// Files of PEM.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TlsFiles {
    pub(super) key: PathBuf,
    pub(super) certificate: PathBuf,
    pub(super) authority: PathBuf,
}

/// A network of the overlay.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Inside {
    pub(super) subnet: IpNetwork,
    /// Logical switch that is to be joined to the router; where it is joined already, none.
    pub(super) switch: Option<String>,
    /// The router's address there.
    pub(super) gateway: Option<IpAddr>,
}

/// How pods are seen outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mode {
    /// By our address; those that are published by their own external one.
    Nat,
    /// By their own addresses, to which the routers outside know the way.
    Routed,
}

/// A chassis that has the external interface.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Gateway {
    /// Its `system-id`.
    pub(super) chassis: String,
    /// Of several the one with the highest has the traffic.
    pub(super) priority: Option<u16>,
    /// The external interface.
    #[serde(deserialize_with = "device")]
    pub(super) interface: Device,
    /// Database of its switch; without one, that of the host it is run on.
    pub(super) ovsdb: Option<Address>,
}

/// An external interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Device {
    /// A function of a network card, VF or PF, which DPDK drives.
    Pci(PciAddr),
    /// An interface of the kernel.
    Kernel(String),
}

fn default_nb() -> Vec<Address> {
    vec!["unix:/var/run/ovn/ovnnb_db.sock".parse().expect("it is an address")]
}

/// Of the range of carriers' own networks (RFC 6598), and of unique local addresses (RFC 4193).
fn default_join() -> Vec<IpNetwork> {
    ["100.127.255.0/30", "fd7f:6661:7374::/126"]
        .map(|text| text.parse().expect("it is a network"))
        .into()
}

fn one_or_several<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Address>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Raw {
        One(Address),
        Several(Vec<Address>),
    }
    Ok(match Raw::deserialize(deserializer)? {
        Raw::One(address) => vec![address],
        Raw::Several(addresses) => addresses,
    })
}

fn device<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Device, D::Error> {
    let text = String::deserialize(deserializer)?;
    if let Ok(address) = text.parse() {
        return Ok(Device::Pci(address));
    }
    let want = "a PCI address such as 0000:03:00.1, or the name of an interface";
    match text.parse::<IfName>() {
        Ok(_) => Ok(Device::Kernel(text)),
        Err(_) => {
            Err(serde::de::Error::custom(format!("interface is {text:?}: it must be {want}")))
        }
    }
}

fn check(valid: bool, key: &str, found: impl Display, want: &str) -> Result<()> {
    ensure!(valid, "{key} is {found}: it must be {want}");
    Ok(())
}

impl External {
    /// Reads what a file says.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let external: Self = crate::yaml::parse(text)?;
        external.check_names()?;
        external.check_addresses()?;
        external.check_gateways()?;
        Ok(external)
    }

    fn check_names(&self) -> Result<()> {
        let plain = |text: &str, most: usize| {
            let character = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
            (1..=most).contains(&text.len()) && text.chars().all(character)
        };
        let want = "letters, digits, _ . and -";
        check(
            plain(&self.name, MAX_NAME),
            "name",
            &self.name,
            &format!("up to {MAX_NAME} {want}"),
        )?;
        check(plain(&self.physical_network, 128), "physicalNetwork", &self.physical_network, want)?;
        check(!self.nb.is_empty(), "nb", "empty", "the address of one server at least")?;
        check(
            self.bridge.parse::<IfName>().is_ok(),
            "bridge",
            &self.bridge,
            "the name of an interface",
        )?;
        check(!self.router.is_empty(), "router", "empty", "the name of a logical router")?;
        if let Some(vlan) = self.vlan {
            check((1..=4094).contains(&vlan), "vlan", vlan, "1 to 4094")?;
        }
        Ok(())
    }

    fn check_addresses(&self) -> Result<()> {
        check(!self.addresses.is_empty(), "addresses", "empty", "one address at least")?;
        for inside in &self.networks {
            inside.check()?;
        }
        check(!self.networks.is_empty(), "networks", "empty", "one network at least")?;
        let network = |network: &&IpNetwork| network.ip() == network.network();
        for route in &self.routes {
            check(network(&route), "routes", route, "a network: its host bits are zero")?;
        }
        for join in &self.join {
            let two = if join.is_ipv4() { join.prefix() <= 30 } else { join.prefix() <= 126 };
            check(network(&join) && two, "join", join, "a network of two addresses or more")?;
        }
        for address in &self.addresses {
            let join = self.join.iter().any(|join| join.is_ipv4() == address.is_ipv4());
            check(join, "join", "without a network", &format!("of the family of {address}, too"))?;
        }
        for hop in &self.next_hops {
            check(self.is_outside(*hop), "nextHops", hop, "in a network of addresses")?;
        }
        check(
            self.mode == Mode::Nat || self.publish.is_empty(),
            "publish",
            "given",
            "left out with mode: routed",
        )?;
        for (outside, pod) in &self.publish {
            check(self.is_outside(*outside), "publish", outside, "in a network of addresses")?;
            let ours = self.addresses.iter().any(|address| address.ip() == *outside);
            check(!ours, "publish", outside, "another address than our own")?;
            let inside = self.networks.iter().any(|inside| inside.subnet.contains(*pod));
            check(inside, "publish", pod, "in one of the networks")?;
        }
        Ok(())
    }

    fn is_outside(&self, address: IpAddr) -> bool {
        self.addresses.iter().any(|network| network.contains(address))
    }

    fn check_gateways(&self) -> Result<()> {
        check(!self.gateways.is_empty(), "gateways", "empty", "one chassis at least")?;
        for (index, gateway) in self.gateways.iter().enumerate() {
            let others = &self.gateways[..index];
            let chassis = &gateway.chassis;
            let new = others.iter().all(|other| other.chassis != *chassis);
            check(
                new && !chassis.is_empty(),
                "chassis",
                format!("{chassis:?}"),
                "another one for each gateway",
            )?;
            if self.gateways.len() == 1 {
                continue;
            }
            let key = format!("priority of {chassis}");
            let want = format!("another number for each gateway, up to {MAX_PRIORITY}");
            let Some(priority) = gateway.priority else {
                return check(false, &key, "missing", &want);
            };
            let new = others.iter().all(|other| other.priority != Some(priority));
            check(new && priority <= MAX_PRIORITY, &key, priority, &want)?;
        }
        Ok(())
    }
}

impl Inside {
    fn check(&self) -> Result<()> {
        let Self { subnet, switch, gateway } = self;
        check(
            subnet.ip() == subnet.network(),
            "subnet",
            subnet,
            "a network: its host bits are zero",
        )?;
        check(
            switch.is_some() == gateway.is_some(),
            "switch",
            "alone",
            "given together with its gateway",
        )?;
        if let Some(gateway) = gateway {
            check(subnet.contains(*gateway), "gateway", gateway, &format!("in {subnet}"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
