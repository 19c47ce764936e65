//! Open vSwitch, as its database tells it.

use std::time::Instant;

use ovsdb::{Address, Error, Vswitch};
use serde::Serialize;

/// The switch of this node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Switch {
    /// Version of Open vSwitch.
    pub(crate) version: Option<String>,
    /// Version of DPDK.
    pub(crate) dpdk_version: Option<String>,
    /// DPDK is set up: it takes vhost-user ports.
    pub(crate) dpdk_initialized: bool,
    /// Processors of its pollers, a mask in hexadecimal digits; none where it takes one by itself.
    pub(crate) pmd_cpu_mask: Option<String>,
    /// Its bridges, by name.
    pub(crate) bridges: Vec<Bridge>,
    /// Name of the chassis of OVN that it is; none as long as `ovn-controller` has made no integration bridge.
    pub(crate) chassis: Option<String>,
}

/// A bridge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Bridge {
    /// Name.
    pub(crate) name: String,
    /// `netdev` is the datapath in user space.
    pub(crate) datapath_type: String,
    /// How many ports it has beside its own.
    pub(crate) ports: usize,
}

impl Switch {
    pub(crate) fn read(address: &Address, deadline: Instant) -> Result<Self, Error> {
        let (switch, bridges) = Vswitch::connect(address, deadline)?.overview(deadline)?;
        Ok(Self::of(switch, bridges))
    }

    pub(crate) fn of(
        switch: ovsdb::vswitch::OpenVswitch,
        bridges: Vec<ovsdb::vswitch::Bridge>,
    ) -> Self {
        let mut bridges: Vec<Bridge> = bridges
            .into_iter()
            .map(|bridge| Bridge {
                name: bridge.name,
                datapath_type: bridge.datapath_type,
                ports: bridge.ports.0.len().saturating_sub(1),
            })
            .collect();
        bridges.sort_by(|one, other| one.name.cmp(&other.name));
        let chassis = switch.chassis();
        let chassis = chassis.filter(|one| bridges.iter().any(|bridge| bridge.name == one.bridge));
        Self {
            version: switch.ovs_version.0,
            dpdk_version: switch.dpdk_version.0,
            dpdk_initialized: switch.dpdk_initialized,
            pmd_cpu_mask: switch.other_config.get("pmd-cpu-mask").map(str::to_owned),
            bridges,
            chassis: chassis.map(|chassis| chassis.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn switch(ids: &[(&str, &str)], bridges: &[&str]) -> Switch {
        let row = json!({
            "cur_cfg": 1, "next_cfg": 1, "dpdk_initialized": false, "other_config": ["map", []],
            "external_ids": ["map", ids], "ovs_version": "3.5.0", "dpdk_version": ["set", []],
        });
        let bridge = |name: &&str| {
            let uuid = ["uuid", name];
            let row = json!({
                "_uuid": uuid, "name": name, "datapath_type": "", "ports": ["set", []],
                "external_ids": ["map", []],
            });
            serde_json::from_value(row).unwrap()
        };
        Switch::of(serde_json::from_value(row).unwrap(), bridges.iter().map(bridge).collect())
    }

    #[test]
    fn a_chassis_has_its_integration_bridge() {
        let ids = [("ovn-remote", "unix:/sb"), ("system-id", "a"), ("ovn-encap-type", "geneve")];
        assert_eq!(switch(&ids, &["br-ext", "br-int"]).chassis.as_deref(), Some("a"));
        assert_eq!(switch(&ids, &["br-ext"]).chassis, None);
        // As packages leave a switch that is none.
        assert_eq!(switch(&ids[1..2], &["br-int"]).chassis, None);
    }
}
