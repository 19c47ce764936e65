//! Bridges that stay, and what joins them to the world.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::json;

use super::{Bridge, DATABASE, Interface, OpenVswitch, Port, Vswitch};
use crate::{Datum, Error, Row, Transaction, equals, includes, map, named, set};

/// Bridges and uplinks that the node agent made have these in their `external_ids`.
const OF_AGENT: (&str, &str) = ("fastpath-agent", "true");
const UPLINK: &str = "fastpath-uplink";

impl Vswitch {
    /// Makes a bridge of the datapath in user space, where there is none of that name. It stays when its
    /// last port goes.
    ///
    /// # Errors
    /// [`Error::NotNetdev`]; the connection fails.
    pub fn ensure_bridge(&mut self, name: &str, deadline: Instant) -> Result<(), Error> {
        if let Some(bridge) = self.look(name, name, deadline)?.bridge {
            return is_netdev(&bridge);
        }
        let mut all = Transaction::new(DATABASE);
        let guard = all.expect(Bridge::TABLE, &[equals("name", name)], &["name"], &json!([]));
        insert_bridge(&mut all, name, None, OF_AGENT);
        all.mutate(OpenVswitch::TABLE, &[], "next_cfg", "+=", 1);
        all.comment(&format!("fastpath: add bridge {name}"));
        match self.client.transact(&all, deadline) {
            // Somebody was faster with the same.
            Err(error) if error.timed_out_at() == Some(guard) => self.ensure_bridge(name, deadline),
            done => done.map(drop),
        }
    }

    /// Joins a bridge to a function of a network card by a DPDK port, where nothing of ours does already.
    /// Whether `ovs-vswitchd` can open it is told in the interface's `error`.
    ///
    /// # Errors
    /// [`Error::NoBridge`], [`Error::NotNetdev`], [`Error::PortTaken`]; the connection fails.
    pub fn ensure_uplink(
        &mut self,
        bridge: &str,
        address: &str,
        deadline: Instant,
    ) -> Result<(), Error> {
        let ids = [OF_AGENT, (UPLINK, address)];
        if !self.owned::<Port>(&ids, deadline)?.is_empty() {
            return Ok(());
        }
        let name = uplink_name(address);
        let view = self.look(bridge, &name, deadline)?;
        is_netdev(view.bridge.as_ref().ok_or_else(|| Error::NoBridge(bridge.to_owned()))?)?;
        if view.port.is_some() || view.interface.is_some() {
            return Err(Error::PortTaken { name });
        }
        let mut all = Transaction::new(DATABASE);
        let theirs = [includes("external_ids", map(ids))];
        let guard = all.expect(Port::TABLE, &theirs, &["name"], &json!([]));
        let interface: BTreeMap<&str, Datum> = BTreeMap::from([
            ("name", json!(name)),
            ("type", json!("dpdk")),
            ("options", map([("dpdk-devargs", address)])),
            ("external_ids", map(ids)),
        ]);
        all.insert(Interface::TABLE, "interface", &interface);
        let port: BTreeMap<&str, Datum> = BTreeMap::from([
            ("name", json!(name)),
            ("interfaces", named("interface")),
            ("external_ids", map(ids)),
        ]);
        all.insert(Port::TABLE, "port", &port);
        let of_bridge = [equals("name", bridge)];
        all.mutate(Bridge::TABLE, &of_bridge, "ports", "insert", set([named("port")]));
        all.mutate(OpenVswitch::TABLE, &[], "next_cfg", "+=", 1);
        all.comment(&format!("fastpath: add uplink {address} to {bridge}"));
        match self.client.transact(&all, deadline) {
            Err(error) if error.timed_out_at() == Some(guard) => Ok(()),
            done => done.map(drop),
        }
    }
}

fn is_netdev(bridge: &Bridge) -> Result<(), Error> {
    match bridge.datapath_type.as_str() {
        "netdev" => Ok(()),
        found => Err(Error::NotNetdev { name: bridge.name.clone(), found: found.to_owned() }),
    }
}

/// What the port of a function of a network card is called: `up000003000`.
#[must_use]
pub fn uplink_name(address: &str) -> String {
    let digits: String = address.chars().filter(char::is_ascii_hexdigit).collect();
    format!("up{digits}")
}

/// A bridge with its own port, and with the one that was inserted as `port`, if any.
pub(super) fn insert_bridge(
    all: &mut Transaction,
    name: &str,
    port: Option<&str>,
    made_by: (&str, &str),
) {
    let name = json!(name);
    let local = BTreeMap::from([("name", name.clone()), ("type", json!("internal"))]);
    all.insert(Interface::TABLE, "local_interface", &local);
    let local = BTreeMap::from([("name", name.clone()), ("interfaces", named("local_interface"))]);
    all.insert(Port::TABLE, "local", &local);
    let ports = [Some("local"), port].into_iter().flatten().map(named);
    let bridge = BTreeMap::from([
        ("name", name),
        ("datapath_type", json!("netdev")),
        ("ports", set(ports)),
        ("external_ids", map([made_by])),
    ]);
    all.insert(Bridge::TABLE, "bridge", &bridge);
    all.mutate(OpenVswitch::TABLE, &[], "bridges", "insert", set([named("bridge")]));
}
