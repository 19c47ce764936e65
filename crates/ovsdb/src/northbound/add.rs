//! Adding a port to a logical switch, in one transaction that makes sure that what it relies on is still
//! so.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    DATABASE, DhcpOptions, Error, LogicalSwitch, LogicalSwitchPort, LogicalView, Northbound,
    QosRule,
};
use crate::{Datum, Row, Transaction, equals, map, named, set};

/// `external_ids` of a switch that was made for a port.
pub(super) const CREATED: (&str, &str) = ("fastpath-created", "true");

/// Priority of our limits: the lowest, so that those of others go first.
const QOS_PRIORITY: u16 = 0;

/// A port of a logical switch, to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewLogicalPort {
    /// Logical switch.
    pub switch: String,
    /// How it is made where it is missing.
    pub create: Option<NewSwitch>,
    /// Name of the port.
    pub name: String,
    /// Its addresses.
    pub addresses: Addresses,
    /// It may send from those only.
    pub port_security: bool,
    /// What DHCP requests are answered with.
    pub dhcp: Option<Dhcp>,
    /// Limits.
    pub limits: Limits,
    /// Whose it is: `external_ids` of all its rows.
    pub owner: BTreeMap<String, String>,
}

/// A logical switch, to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewSwitch {
    /// From which `dynamic` addresses are given, `10.0.0.0/24`.
    pub subnet: String,
    /// Of these none is given, `10.0.0.2..10.0.0.9`.
    pub exclude_ips: Option<String>,
}

/// Addresses of a logical port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Addresses {
    /// These.
    Fixed {
        /// MAC.
        mac: String,
        /// IP addresses, maybe none.
        ips: Vec<IpAddr>,
    },
    /// An IP address that `ovn-northd` gives, of the switch's subnet.
    Dynamic {
        /// MAC.
        mac: String,
    },
}

/// What DHCP requests are answered with (`DHCP_Options`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dhcp {
    /// Of this subnet.
    pub cidr: String,
    /// `server_id`, `server_mac`, `lease_time`, ...
    pub options: BTreeMap<String, String>,
}

/// Rate limits of a logical port, kbit/s and kbit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Of what it receives: rate, burst.
    pub to_port: Option<(u64, u64)>,
    /// Of what it sends: rate, burst.
    pub from_port: Option<(u64, u64)>,
}

impl NewLogicalPort {
    /// The port with these IP addresses, where they are not `ovn-northd`'s to give.
    #[must_use]
    pub fn with_ips(&self, given: Vec<IpAddr>) -> Self {
        let mut port = self.clone();
        if let Addresses::Fixed { ips, .. } = &mut port.addresses {
            *ips = given;
        }
        port
    }
}

impl Addresses {
    /// As the column has it.
    fn column(&self) -> String {
        match self {
            Self::Fixed { mac, ips } => {
                let ips = ips.iter().map(ToString::to_string);
                std::iter::once(mac.clone()).chain(ips).collect::<Vec<_>>().join(" ")
            }
            Self::Dynamic { mac } => format!("{mac} dynamic"),
        }
    }

    /// Those that are given; nobody else of the switch may have them.
    fn given(&self) -> Vec<String> {
        match self {
            Self::Fixed { .. } => self.column().split(' ').map(str::to_owned).collect(),
            Self::Dynamic { mac } => vec![mac.clone()],
        }
    }
}

impl LogicalSwitchPort {
    /// MAC and IP addresses that it has, however it got them.
    fn has(&self) -> impl Iterator<Item = &str> {
        self.addresses.0.iter().chain(&self.dynamic_addresses.0).flat_map(|text| text.split(' '))
    }
}

impl Northbound {
    /// Makes a port. When it is there already, and ours, it is made anew.
    ///
    /// After any error the port may be there: whoever called removes what it owns.
    ///
    /// # Errors
    /// [`Error::NoSwitch`], [`Error::SeveralSwitches`], [`Error::LogicalPortTaken`],
    /// [`Error::AddressTaken`], [`Error::Contended`]; the connection fails.
    pub fn add_port(&mut self, port: &NewLogicalPort, deadline: Instant) -> Result<(), Error> {
        while Instant::now() < deadline {
            let (view, ports) = self.look_around(port, deadline)?;
            let switch = view.admits(port)?;
            if view.port.is_some() {
                log::warn!("logical port {} was left from an earlier attachment", port.name);
                let owner = port.owner.iter().map(|(key, value)| (key.as_str(), value.as_str()));
                self.remove_ports(&[owner.collect()], deadline)?;
                continue;
            }
            if let Some(switch) = switch {
                addresses_are_free(switch, &ports, port)?;
            }
            match self.client.transact(&insertion(port, switch), deadline) {
                Ok(_) => return Ok(()),
                // Somebody was faster with something that it relies on.
                Err(error) if error.timed_out_at().is_some() => {}
                Err(error @ crate::Error::Late { .. }) => return Err(error.into()),
                Err(error) if error.is_disconnect() => {
                    // If it was made, it is ours, and made anew.
                    log::info!("{error}: connecting again");
                    self.reconnect(deadline)?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::Contended(port.switch.clone()))
    }

    /// What there is of the port and its switch, and all ports that there are.
    fn look_around(
        &mut self,
        port: &NewLogicalPort,
        deadline: Instant,
    ) -> Result<(LogicalView, Vec<LogicalSwitchPort>), Error> {
        let mut all = Transaction::new(DATABASE);
        let switches = all.select::<LogicalSwitch>(&[equals("name", &port.switch)]);
        let all_ports = all.select::<LogicalSwitchPort>(&[]);
        let mut answers = self.client.transact(&all, deadline)?;
        let ports: Vec<LogicalSwitchPort> = answers.rows(&all_ports)?;
        let port = ports.iter().find(|other| other.name == port.name).cloned();
        Ok((LogicalView { switches: answers.rows(&switches)?, port }, ports))
    }
}

/// Refuses an address that another port of the switch has. OVN itself takes both.
fn addresses_are_free(
    switch: &LogicalSwitch,
    ports: &[LogicalSwitchPort],
    port: &NewLogicalPort,
) -> Result<(), Error> {
    let given = port.addresses.given();
    for other in ports.iter().filter(|other| switch.ports.0.contains(&other.uuid)) {
        let same = |address: &&str| given.iter().any(|one| one.eq_ignore_ascii_case(address));
        if let Some(address) = other.has().find(same) {
            let (address, port) = (address.to_owned(), other.name.clone());
            return Err(Error::AddressTaken { address, port });
        }
    }
    Ok(())
}

impl LogicalView {
    /// Checks that the port can be made; returns its switch, none when that is to be made.
    fn admits(&self, port: &NewLogicalPort) -> Result<Option<&LogicalSwitch>, Error> {
        let ours = |there: &LogicalSwitchPort| {
            port.owner.iter().all(|(key, value)| there.external_ids.0.get(key) == Some(value))
        };
        if self.port.as_ref().is_some_and(|there| !ours(there)) {
            return Err(Error::LogicalPortTaken { name: port.name.clone() });
        }
        match &self.switches[..] {
            [one] => Ok(Some(one)),
            [] if port.create.is_some() => Ok(None),
            [] => Err(Error::NoSwitch(port.switch.clone())),
            _ => Err(Error::SeveralSwitches(port.switch.clone())),
        }
    }
}

fn insertion(port: &NewLogicalPort, switch: Option<&LogicalSwitch>) -> Transaction {
    let mut all = Transaction::new(DATABASE);
    // The ports that were looked at are all that there are.
    let as_seen = match switch {
        Some(switch) => json!([{"name": switch.name, "ports": set(&switch.ports.0)}]),
        None => json!([]),
    };
    let by_name = [equals("name", &port.switch)];
    all.expect(LogicalSwitch::TABLE, &by_name, &["name", "ports"], &as_seen);
    all.expect(LogicalSwitchPort::TABLE, &[equals("name", &port.name)], &["name"], &json!([]));
    insert_port(&mut all, port);
    let limits = insert_limits(&mut all, port);
    let ports = set([named("port")]);
    if switch.is_some() {
        all.mutate(LogicalSwitch::TABLE, &by_name, "ports", "insert", ports);
        if !limits.is_empty() {
            all.mutate(LogicalSwitch::TABLE, &by_name, "qos_rules", "insert", set(limits));
        }
    } else {
        let config = port.create.iter().flat_map(NewSwitch::config);
        let row = BTreeMap::from([
            ("name", json!(port.switch)),
            ("ports", ports),
            ("qos_rules", set(limits)),
            ("other_config", map(config)),
            ("external_ids", map([CREATED])),
        ]);
        all.insert(LogicalSwitch::TABLE, "switch", &row);
    }
    all.comment(&format!("fastpath: add port {} to {}", port.name, port.switch));
    all
}

fn insert_port(all: &mut Transaction, port: &NewLogicalPort) {
    let owner = || map(port.owner.iter().map(|(key, value)| (key.as_str(), value)));
    let addresses = port.addresses.column();
    let mut row: BTreeMap<&str, Datum> = BTreeMap::from([
        ("name", json!(port.name)),
        ("addresses", set([&addresses])),
        ("external_ids", owner()),
    ]);
    if port.port_security {
        // Of a dynamic port from the MAC, until its address is known.
        row.insert("port_security", set([addresses.trim_end_matches(" dynamic")]));
    }
    if let Some(dhcp) = &port.dhcp {
        let options = dhcp.options.iter().map(|(key, value)| (key.as_str(), value));
        let dhcp = BTreeMap::from([
            ("cidr", json!(dhcp.cidr)),
            ("options", map(options)),
            ("external_ids", owner()),
        ]);
        all.insert(DhcpOptions::TABLE, "dhcp", &dhcp);
        row.insert("dhcpv4_options", set([named("dhcp")]));
    }
    all.insert(LogicalSwitchPort::TABLE, "port", &row);
}

/// Inserts the limits; returns references to them.
fn insert_limits(all: &mut Transaction, port: &NewLogicalPort) -> Vec<Datum> {
    let owner = map(port.owner.iter().map(|(key, value)| (key.as_str(), value)));
    let Limits { to_port, from_port } = &port.limits;
    let wanted =
        [("to", to_port, "to-lport", "outport"), ("from", from_port, "from-lport", "inport")];
    let mut rules = Vec::new();
    for (name, limit, direction, field) in wanted {
        let Some((rate, burst)) = limit else { continue };
        let row = BTreeMap::from([
            ("priority", json!(QOS_PRIORITY)),
            ("direction", json!(direction)),
            ("match", json!(format!("{field} == \"{}\"", port.name))),
            ("bandwidth", map([("rate", rate), ("burst", burst)])),
            ("external_ids", owner.clone()),
        ]);
        all.insert(QosRule::TABLE, name, &row);
        rules.push(named(name));
    }
    rules
}

impl NewSwitch {
    fn config(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let exclude = self.exclude_ips.iter().map(|ips| ("exclude_ips", ips));
        std::iter::once(("subnet", &self.subnet)).chain(exclude)
    }
}
