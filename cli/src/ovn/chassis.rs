//! What the switch of a gateway chassis has for an external network: the bridge with the external interface, and in
//! the settings of `ovn-controller` (ovn-controller(8)) the mapping of the physical network to it.

use std::time::Instant;

use anyhow::{Context, Result, bail};
use ovsdb::declared::{Change, Declared, Difference};
use ovsdb::vswitch::declared::{BRIDGE, INTERFACE, PORT};
use ovsdb::vswitch::{Interface, OpenVswitch, PortKind};
use ovsdb::{Address, Vswitch, map};
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
        let name = settings.external_ids.get("system-id");
        let name = name.with_context(|| {
            format!("{address} is of no chassis of OVN: it has no external_ids:system-id")
        })?;
        Ok(Self { name: name.to_owned(), switch })
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
            if datapath != "netdev" {
                bail!(
                    "{address} needs the userspace datapath: set external_ids:ovn-bridge-datapath-type=netdev"
                );
            }
        }
        let ours = |ids: &ovsdb::Map| ids.get(OWNER) == Some(&external.name);
        let mut rows = Vec::new();
        match &view.bridge {
            Some(there) if !ours(&there.external_ids) => {
                if there.datapath_type != datapath {
                    bail!(
                        "bridge {bridge} has datapath_type {:?}, the integration bridge {datapath:?}: OVN cannot join them",
                        there.datapath_type
                    );
                }
            }
            _ => rows.extend(bridge_rows(bridge, &datapath)),
        }
        match &view.port {
            Some(there) if !ours(&there.external_ids) => {
                let on_it = view.bridge.as_ref().is_some_and(|b| b.ports.0.contains(&there.uuid));
                if !on_it {
                    bail!(
                        "port {port} is on another bridge than {bridge}: take it from there first"
                    );
                }
            }
            _ => rows.extend(port_rows(bridge, &port, &gateway.interface)),
        }
        Ok(rows)
    }

    /// That of the integration bridge, or what `ovn-controller` would make it with.
    fn datapath(&mut self, settings: &OpenVswitch, deadline: Instant) -> Result<String> {
        let setting = |key| settings.external_ids.get(key);
        let bridge = setting("ovn-bridge").unwrap_or("br-int");
        let view = self.switch.look(bridge, bridge, deadline)?;
        let there = view.bridge.map(|bridge| bridge.datapath_type);
        let made = || setting("ovn-bridge-datapath-type").unwrap_or_default().to_owned();
        Ok(there.unwrap_or_else(made))
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
