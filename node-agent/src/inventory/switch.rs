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
        Self {
            version: switch.ovs_version.0,
            dpdk_version: switch.dpdk_version.0,
            dpdk_initialized: switch.dpdk_initialized,
            pmd_cpu_mask: switch.other_config.get("pmd-cpu-mask").map(str::to_owned),
            bridges,
        }
    }
}
