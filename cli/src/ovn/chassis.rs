//! What the switch of a gateway chassis has for an external network: the bridge with the external interface, and in
//! the settings of `ovn-controller` (ovn-controller(8)) the mapping of the physical network to it.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use ovsdb::declared::{Change, Declared, Difference};
use ovsdb::vswitch::declared::{BRIDGE, INTERFACE, PORT};
use ovsdb::vswitch::{Interface, OpenVswitch, PortKind, View};
use ovsdb::{Address, Map, Vswitch, map};
use serde_json::json;

use super::OWNER;
use super::file::{Device, External, Gateway};
use super::mappings;

/// A host of the overlay.
pub(super) struct Chassis {
    pub(super) name: String,
    switch: Vswitch,
}

impl Chassis {
    /// Connects to the database of its switch.
    pub(super) fn connect(address: &Address, deadline: Instant) -> Result<Self> {
        let mut switch = Vswitch::connect(address, deadline)?;
        let (settings, _) = switch.overview(deadline)?;
        let name = chassis_of(&settings).with_context(|| address.to_string())?.name;
        Ok(Self { name, switch })
    }

    /// How it differs from what the file says of it; from nothing, where it says nothing.
    pub(super) fn difference(
        &mut self,
        external: &External,
        gateway: Option<&Gateway>,
        deadline: Instant,
    ) -> Result<Difference> {
        let (settings, _) = self.switch.overview(deadline)?;
        let owner = (OWNER, external.name.as_str());
        let rows = match gateway {
            Some(gateway) => self.rows(external, gateway, &settings, deadline)?,
            None => Vec::new(),
        };
        let mut difference = self.switch.difference(owner, &rows, deadline)?;
        let mapping =
            gateway.map(|_| (external.physical_network.as_str(), external.bridge.as_str()));
        let mapped = mappings::changes(&external.name, mapping, &settings.external_ids)?;
        if let Some(heir) = mapped.heir {
            inherit(&mut difference, owner, &heir);
        }
        difference.changes.extend(mapped.changes);
        Ok(difference)
    }

    /// The bridge and the external interface, as far as they are not somebody else's already.
    fn rows(
        &mut self,
        external: &External,
        gateway: &Gateway,
        settings: &OpenVswitch,
        deadline: Instant,
    ) -> Result<Vec<Declared>> {
        let (bridge, port) = (external.bridge.as_str(), gateway.interface.port());
        let datapath = self.datapath(settings, deadline)?;
        let view = self.switch.look(bridge, &port, deadline)?;
        if let Device::Pci(address) = &gateway.interface {
            view.takes_ports(bridge, true, &PortKind::VhostUser)?;
            let setting = "external_ids:ovn-bridge-datapath-type=netdev";
            ensure!(datapath == "netdev", "{address} needs the userspace datapath: set {setting}");
        }
        let mut rows = Vec::new();
        if !has_bridge_of_others(&view, external, &datapath)? {
            rows.extend(bridge_rows(bridge, &datapath));
        }
        if !has_port_of_others(&view, external, &port)? {
            rows.extend(port_rows(bridge, &port, &gateway.interface));
        }
        Ok(rows)
    }

    /// That of the integration bridge, or what `ovn-controller` would make it with.
    fn datapath(&mut self, settings: &OpenVswitch, deadline: Instant) -> Result<String> {
        let bridge = chassis_of(settings)?.bridge;
        let view = self.switch.look(&bridge, &bridge, deadline)?;
        let there = view.bridge.map(|bridge| bridge.datapath_type);
        let made = || settings.external_ids.get("ovn-bridge-datapath-type").unwrap_or_default();
        Ok(there.unwrap_or_else(|| made().to_owned()))
    }

    /// Makes the difference go away, and waits until the switch has done it. False where somebody changed
    /// meanwhile what it relies on.
    pub(super) fn apply(&mut self, difference: &Difference, deadline: Instant) -> Result<bool> {
        let Some(change) = self.switch.apply(difference, deadline)? else { return Ok(false) };
        self.switch.await_applied(change, deadline)?;
        Ok(true)
    }

    /// What the switch says of interfaces of the network that it could not open.
    pub(super) fn failures(
        &mut self,
        external: &External,
        deadline: Instant,
    ) -> Result<Vec<String>> {
        let owner = [(OWNER, external.name.as_str())];
        let interfaces = self.switch.owned::<Interface>(&owner, deadline)?;
        let failed = interfaces
            .into_iter()
            .filter_map(|interface| Some(format!("{}: {}", interface.name, interface.error.0?)));
        Ok(failed.collect())
    }
}

fn chassis_of(settings: &OpenVswitch) -> Result<ovsdb::vswitch::Chassis> {
    let missing =
        "no chassis of OVN: it lacks external_ids ovn-remote, ovn-encap-type or system-id";
    settings.chassis().context(missing)
}

fn ours(external: &External, ids: &Map) -> bool {
    ids.get(OWNER) == Some(&external.name)
}

/// Whether there is a bridge that somebody else made; it must be one that OVN can join to its own.
fn has_bridge_of_others(view: &View, external: &External, datapath: &str) -> Result<bool> {
    let Some(there) = view.bridge.as_ref().filter(|there| !ours(external, &there.external_ids))
    else {
        return Ok(false);
    };
    let (name, found) = (&there.name, &there.datapath_type);
    let unlike = "the integration bridge has another: OVN cannot join them";
    ensure!(
        found == datapath,
        "bridge {name} has datapath_type {found:?}, {unlike} ({datapath:?})"
    );
    Ok(true)
}

/// Whether somebody else plugged the interface into the bridge.
fn has_port_of_others(view: &View, external: &External, name: &str) -> Result<bool> {
    let Some(there) = view.port.as_ref().filter(|there| !ours(external, &there.external_ids))
    else {
        return Ok(false);
    };
    let on_it = view.bridge.as_ref().is_some_and(|bridge| bridge.ports.0.contains(&there.uuid));
    ensure!(
        on_it,
        "port {name} is on another bridge than {}: take it from there first",
        external.bridge
    );
    Ok(true)
}

impl Device {
    /// What the port is called.
    fn port(&self) -> String {
        match self {
            Self::Kernel(name) => name.clone(),
            Self::Pci(address) => ovsdb::vswitch::uplink_name(&address.to_string()),
        }
    }
}

/// A bridge and the port that has its name.
fn bridge_rows(name: &str, datapath: &str) -> [Declared; 3] {
    [
        Declared::named(&BRIDGE, None, name).with("datapath_type", json!(datapath)),
        Declared::named(&PORT, Some(name), name),
        Declared::named(&INTERFACE, Some(name), name).with("type", json!("internal")),
    ]
}

fn port_rows(bridge: &str, name: &str, device: &Device) -> [Declared; 2] {
    let interface = Declared::named(&INTERFACE, Some(name), name);
    let interface = match device {
        Device::Kernel(_) => interface.with("type", json!("")),
        Device::Pci(address) => interface
            .with("type", json!("dpdk"))
            .with("options", map([("dpdk-devargs", address.to_string())])),
    };
    [Declared::named(&PORT, Some(bridge), name), interface]
}

/// Another external network uses the bridge too: what would be removed becomes its.
fn inherit(difference: &mut Difference, (key, owner): (&str, &str), heir: &str) {
    for change in &mut difference.changes {
        if let Change::Remove { table, row, key: row_key, .. } = change {
            *change = Change::Set {
                table,
                row: row.clone(),
                key: row_key.clone(),
                column: "external_ids",
                from: map([(key, owner)]),
                to: map([(key, heir)]),
            };
        }
    }
}
