//! Adding a port, with its interface and, where there is none, its bridge.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::bridge::insert_bridge;
use super::{Bridge, DATABASE, Interface, OpenVswitch, Port, View, Vswitch};
use crate::{Datum, Error, Row, Transaction, equals, includes, map, named, set};

/// How often a transaction is tried that others get in the way of.
const TRIES: usize = 5;

/// Bridges that were made here have this in their `external_ids`.
pub(super) const CREATED: (&str, &str) = ("fastpath-created", "true");

/// A port that is to be made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewPort {
    /// Its bridge, of `datapath_type` `netdev`.
    pub bridge: String,
    /// Make the bridge where it is missing.
    pub create_bridge: bool,
    /// Name of port and interface.
    pub name: String,
    /// What is at its other end.
    pub kind: PortKind,
    /// Its VLANs.
    pub vlans: Vlans,
    /// MTU in bytes.
    pub mtu: Option<u32>,
    /// Limit of what the switch takes from it.
    pub from_port: Option<Rate>,
    /// Limit of what the switch gives to it.
    pub to_port: Option<Rate>,
    /// MAC of who is at its other end; no other interface may have it.
    pub mac: String,
    /// Logical port of OVN that it is the chassis' end of.
    #[serde(default)]
    pub iface_id: Option<String>,
    /// Whose it is: `external_ids` of all its rows.
    pub owner: BTreeMap<String, String>,
}

/// What is at a port's other end; of a vhost-user port, who listens on its socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PortKind {
    /// The application does; the switch connects to this path, again and again until it is there.
    VhostUserClient {
        /// Path of the socket, at most 107 bytes.
        socket: PathBuf,
    },
    /// The switch does, in its own directory, on a socket of the port's name.
    VhostUser,
    /// A network interface of the kernel, which has the port's name.
    System,
}

/// VLANs of a port.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vlans {
    /// Of frames without a tag.
    pub tag: Option<u16>,
    /// Those that pass with their tag; none where there is only `tag`, all where there is nothing.
    pub trunks: Vec<u16>,
}

/// A rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// Bits per second.
    pub rate: u64,
    /// Bits at once.
    pub burst: u64,
}

impl View {
    /// Checks that the port can be made: its bridge takes it, and nobody else has its name.
    ///
    /// # Errors
    /// As [`View::takes_ports`], and [`Error::PortTaken`].
    pub fn admits(&self, port: &NewPort) -> Result<(), Error> {
        self.takes_ports(&port.bridge, port.create_bridge, &port.kind)?;
        let ours = self.port.as_ref().map(|there| owned_by(&there.external_ids.0, &port.owner));
        match ours {
            Some(true) => Ok(()),
            None if self.interface.is_none() => Ok(()),
            _ => Err(Error::PortTaken { name: port.name.clone() }),
        }
    }
}

impl PortKind {
    /// The interface's `type`.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::VhostUserClient { .. } => "dpdkvhostuserclient",
            Self::VhostUser => "dpdkvhostuser",
            Self::System => "system",
        }
    }
}

impl Vlans {
    /// The port's `vlan_mode`; none where the columns say it by themselves.
    #[must_use]
    pub fn mode(&self) -> Option<&'static str> {
        (self.tag.is_some() && !self.trunks.is_empty()).then_some("native-untagged")
    }
}

/// Positions of what may fail in the transaction, so that the failure gets a name.
struct Guards {
    bridge: usize,
    names: [usize; 2],
    mac: usize,
}

impl Vswitch {
    /// Makes a port and waits until `ovs-vswitchd` has made its interface. `view` is what
    /// [`Vswitch::look`] saw of bridge and port.
    ///
    /// When the connection is lost while the change is made, it connects again and looks whether the
    /// change was done. After any error the port may be there: whoever called removes what it owns.
    ///
    /// # Errors
    /// As [`View::admits`], and [`Error::MacTaken`]; [`Error::Interface`] with the words of
    /// `ovs-vswitchd`; [`Error::NotApplied`] at the deadline; the connection fails.
    pub fn add_port(
        &mut self,
        port: &NewPort,
        view: View,
        deadline: Instant,
    ) -> Result<Interface, Error> {
        let change = self.begin_port(port, view, deadline)?;
        self.await_port(&port.name, change, deadline)
    }

    /// The first part of [`Vswitch::add_port`]: the port is in the database. The number of the change, for
    /// [`Vswitch::await_port`].
    ///
    /// # Errors
    /// As [`Vswitch::add_port`], but for the interface.
    pub fn begin_port(
        &mut self,
        port: &NewPort,
        mut view: View,
        deadline: Instant,
    ) -> Result<i64, Error> {
        let mut interrupted = false;
        for _ in 0..TRIES {
            view.admits(port)?;
            if view.port.is_some() && interrupted {
                return Ok(view.switch.next_cfg);
            }
            if view.port.is_some() {
                log::warn!("port {} was left from an earlier attachment", port.name);
                self.remove_ports(&[ids(&port.owner).collect()], deadline)?;
            } else {
                match self.insert(port, view.bridge.as_ref(), deadline) {
                    Ok(Some(next_cfg)) => return Ok(next_cfg),
                    Ok(None) => {}
                    Err(error @ Error::Late { .. }) => return Err(error),
                    Err(error) if error.is_disconnect() => {
                        log::info!(
                            "{error}: connecting again to see whether {} was made",
                            port.name
                        );
                        self.client.reconnect(deadline)?;
                        interrupted = true;
                    }
                    Err(error) => return Err(error),
                }
            }
            view = self.look(&port.bridge, &port.name, deadline)?;
        }
        Err(Error::Contended(format!("the bridge {}", port.bridge)))
    }

    /// The number of the change; none when somebody was faster with something that it relies on.
    fn insert(
        &mut self,
        port: &NewPort,
        bridge: Option<&Bridge>,
        deadline: Instant,
    ) -> Result<Option<i64>, Error> {
        let mut all = Transaction::new(DATABASE);
        let guards = guards(&mut all, port, bridge);
        insert_port(&mut all, port);
        plug(&mut all, port, bridge);
        all.mutate(OpenVswitch::TABLE, &[], "next_cfg", "+=", 1);
        let switch = all.select::<OpenVswitch>(&[]);
        all.comment(&format!("fastpath: add port {} to {}", port.name, port.bridge));
        match self.client.transact(&all, deadline) {
            Ok(mut answers) => {
                let switch = answers.rows(&switch)?.pop();
                Ok(Some(switch.map_or(0, |switch| switch.next_cfg)))
            }
            Err(error) => match error.timed_out_at() {
                Some(at) if at == guards.mac => Err(self.mac_taken(&port.mac, deadline)?),
                Some(at) if at == guards.bridge || guards.names.contains(&at) => Ok(None),
                _ => Err(error),
            },
        }
    }

    fn mac_taken(&mut self, mac: &str, deadline: Instant) -> Result<Error, Error> {
        let holders: Vec<Interface> = self.owned(&[("attached-mac", mac)], deadline)?;
        let interface = holders.into_iter().next().map_or_else(String::new, |holder| holder.name);
        Ok(Error::MacTaken { mac: mac.to_owned(), interface })
    }

    /// The second part of [`Vswitch::add_port`]: waits for the interface, and believes what `ovs-vswitchd`
    /// says of it.
    ///
    /// # Errors
    /// [`Error::Interface`]; [`Error::NotApplied`] at the deadline; the connection fails.
    pub fn await_port(
        &mut self,
        name: &str,
        change: i64,
        deadline: Instant,
    ) -> Result<Interface, Error> {
        let (selected, mut answers) = self.when_applied(change, deadline, |waiting| {
            waiting.select::<Interface>(&[equals("name", name)])
        })?;
        let failed = |text: String| Error::Interface { interface: name.to_owned(), text };
        let interface = answers.rows(&selected)?.pop();
        let interface = interface.ok_or_else(|| failed("it was removed meanwhile".to_owned()))?;
        match (&interface.error.0, interface.ofport.0) {
            (Some(text), _) => Err(failed(text.clone())),
            (None, None | Some(-1)) => Err(failed("it has no OpenFlow port number".to_owned())),
            (None, Some(_)) => Ok(interface),
        }
    }
}

fn ids(owner: &BTreeMap<String, String>) -> impl Iterator<Item = (&str, &str)> {
    owner.iter().map(|(key, value)| (key.as_str(), value.as_str()))
}

fn owned_by(ids: &BTreeMap<String, String>, owner: &BTreeMap<String, String>) -> bool {
    owner.iter().all(|(key, value)| ids.get(key) == Some(value))
}

/// What must still be so when the change is made.
fn guards(all: &mut Transaction, port: &NewPort, bridge: Option<&Bridge>) -> Guards {
    let none = json!([]);
    let is = |name: &str| [equals("name", name)];
    let as_seen =
        |bridge: &Bridge| json!([{"name": bridge.name, "datapath_type": bridge.datapath_type}]);
    let bridge_rows = &bridge.map_or_else(|| none.clone(), as_seen);
    let attached = [includes("external_ids", map([("attached-mac", &port.mac)]))];
    Guards {
        bridge: all.expect(
            Bridge::TABLE,
            &is(&port.bridge),
            &["name", "datapath_type"],
            bridge_rows,
        ),
        names: [
            all.expect(Port::TABLE, &is(&port.name), &["name"], &none),
            all.expect(Interface::TABLE, &is(&port.name), &["name"], &none),
        ],
        mac: all.expect(Interface::TABLE, &attached, &["name"], &none),
    }
}

fn insert_port(all: &mut Transaction, port: &NewPort) {
    let owner = || ids(&port.owner);
    let iface_id = port.iface_id.iter().map(|id| ("iface-id", id.as_str()));
    let interface_ids = iface_id.chain([("attached-mac", port.mac.as_str())]);
    let mut interface: BTreeMap<&str, Datum> = BTreeMap::from([
        ("name", json!(port.name)),
        ("type", json!(port.kind.type_name())),
        ("external_ids", map(owner().chain(interface_ids))),
    ]);
    if let PortKind::VhostUserClient { socket } = &port.kind {
        interface.insert("options", map([("vhost-server-path", socket)]));
    }
    if let Some(mtu) = port.mtu {
        interface.insert("mtu_request", json!(mtu));
    }
    if let Some(Rate { rate, burst }) = port.from_port {
        // In kbit/s and kbit.
        interface.insert("ingress_policing_rate", json!(rate / 1000));
        interface.insert("ingress_policing_burst", json!(burst.div_ceil(1000)));
    }
    all.insert(Interface::TABLE, "interface", &interface);

    let mut row: BTreeMap<&str, Datum> = BTreeMap::from([
        ("name", json!(port.name)),
        ("interfaces", named("interface")),
        ("external_ids", map(owner())),
    ]);
    row.extend(port.vlans.tag.map(|tag| ("tag", json!(tag))));
    row.extend(port.vlans.mode().map(|mode| ("vlan_mode", json!(mode))));
    if !port.vlans.trunks.is_empty() {
        row.insert("trunks", set(&port.vlans.trunks));
    }
    if let Some(Rate { rate, burst }) = port.to_port {
        // The policer of DPDK ports; it counts bytes (ovs-vswitchd.conf.db(5), "egress-policer").
        let limits = [("cir", (rate / 8).to_string()), ("cbs", (burst / 8).to_string())];
        let qos = BTreeMap::from([
            ("type", json!("egress-policer")),
            ("other_config", map(limits)),
            ("external_ids", map(owner())),
        ]);
        all.insert("QoS", "qos", &qos);
        row.insert("qos", named("qos"));
    }
    all.insert(Port::TABLE, "port", &row);
}

/// Puts the port into its bridge, or into a new one of that name.
fn plug(all: &mut Transaction, port: &NewPort, bridge: Option<&Bridge>) {
    if bridge.is_some() {
        all.mutate(
            Bridge::TABLE,
            &[equals("name", &port.bridge)],
            "ports",
            "insert",
            set([named("port")]),
        );
        return;
    }
    insert_bridge(all, &port.bridge, Some("port"), CREATED);
}
