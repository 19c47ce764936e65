//! Rows of the database, as far as we read them; the columns are explained in ovs-vswitchd.conf.db(5).

use serde::Deserialize;

use crate::{Map, Optional, Row, Set, Uuid};

/// The switch: one row.
#[derive(Debug, Clone, Deserialize)]
pub struct OpenVswitch {
    /// Number of the last change that `ovs-vswitchd` has taken up.
    pub cur_cfg: i64,
    /// Number of the last change that waits for it.
    pub next_cfg: i64,
    /// DPDK is set up.
    pub dpdk_initialized: bool,
    /// Settings, such as `vhost-sock-dir`.
    pub other_config: Map,
    /// Of OVN's chassis: `system-id`, `ovn-encap-ip`, ...
    pub external_ids: Map,
    /// Version of Open vSwitch.
    pub ovs_version: Optional<String>,
    /// Version of DPDK.
    pub dpdk_version: Optional<String>,
}

/// A bridge.
#[derive(Debug, Clone, Deserialize)]
pub struct Bridge {
    /// Row.
    #[serde(rename = "_uuid")]
    pub uuid: Uuid,
    /// Name.
    pub name: String,
    /// `netdev` for the datapath in user space, which alone takes DPDK ports.
    pub datapath_type: String,
    /// Its ports, its own among them.
    pub ports: Set<Uuid>,
    /// Who made it.
    pub external_ids: Map,
}

/// A port of a bridge; here always with one interface, of the same name.
#[derive(Debug, Clone, Deserialize)]
pub struct Port {
    /// Row.
    #[serde(rename = "_uuid")]
    pub uuid: Uuid,
    /// Name.
    pub name: String,
    /// VLAN of frames without a tag.
    pub tag: Optional<u16>,
    /// VLANs that pass with their tag.
    pub trunks: Set<u16>,
    /// How the two go together.
    pub vlan_mode: Optional<String>,
    /// Its quality of service.
    pub qos: Optional<Uuid>,
    /// Whose it is.
    pub external_ids: Map,
}

/// The interface of a port.
#[derive(Debug, Clone, Deserialize)]
pub struct Interface {
    /// Name.
    pub name: String,
    /// `dpdkvhostuserclient`, `dpdkvhostuser`, ...
    #[serde(rename = "type")]
    pub kind: String,
    /// Such as `vhost-server-path`.
    pub options: Map,
    /// MTU in bytes that it has.
    pub mtu: Optional<i64>,
    /// MTU in bytes that was asked for.
    pub mtu_request: Optional<i64>,
    /// `OpenFlow` port number; -1 where it could not be made.
    pub ofport: Optional<i64>,
    /// Why it could not be made.
    pub error: Optional<String>,
    /// For vhost-user: whether an application is at work on it.
    pub link_state: Optional<LinkState>,
    /// What its driver tells: `status`, `socket`, `numa`, ...
    pub status: Map,
    /// Whose it is, and `attached-mac`.
    pub external_ids: Map,
}

impl Interface {
    /// MTU in bytes that it has; none as long as no application was connected to a vhost-user port.
    #[must_use]
    pub fn current_mtu(&self) -> Option<u32> {
        self.mtu.0.and_then(|mtu| u32::try_from(mtu).ok()).filter(|mtu| *mtu > 0)
    }
}

/// State of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LinkState {
    /// Frames pass.
    Up,
    /// Nobody is there.
    Down,
}

/// A quality of service: the limit of what leaves the switch by a port.
#[derive(Debug, Clone, Deserialize)]
pub struct Qos {
    /// Row.
    #[serde(rename = "_uuid")]
    pub uuid: Uuid,
}

impl Row for OpenVswitch {
    const TABLE: &'static str = "Open_vSwitch";
    const COLUMNS: &'static [&'static str] = &[
        "cur_cfg",
        "next_cfg",
        "dpdk_initialized",
        "other_config",
        "external_ids",
        "ovs_version",
        "dpdk_version",
    ];
}

impl Row for Bridge {
    const TABLE: &'static str = "Bridge";
    const COLUMNS: &'static [&'static str] =
        &["_uuid", "name", "datapath_type", "ports", "external_ids"];
}

impl Row for Port {
    const TABLE: &'static str = "Port";
    const COLUMNS: &'static [&'static str] =
        &["_uuid", "name", "tag", "trunks", "vlan_mode", "qos", "external_ids"];
}

impl Row for Interface {
    const TABLE: &'static str = "Interface";
    const COLUMNS: &'static [&'static str] = &[
        "name",
        "type",
        "options",
        "mtu",
        "mtu_request",
        "ofport",
        "error",
        "link_state",
        "status",
        "external_ids",
    ];
}

impl Row for Qos {
    const TABLE: &'static str = "QoS";
    const COLUMNS: &'static [&'static str] = &["_uuid"];
}
