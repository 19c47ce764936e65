//! Rows of the database, as far as we read them.

use serde::Deserialize;

use crate::{Map, Optional, Row, Set, Uuid};

/// A logical switch.
#[derive(Debug, Clone, Deserialize)]
pub struct LogicalSwitch {
    /// Row.
    #[serde(rename = "_uuid")]
    pub uuid: Uuid,
    /// Name.
    pub name: String,
    /// Its ports.
    pub ports: Set<Uuid>,
    /// Settings, such as `subnet`.
    pub other_config: Map,
    /// Who made it.
    pub external_ids: Map,
}

/// A port of a logical switch.
#[derive(Debug, Clone, Deserialize)]
pub struct LogicalSwitchPort {
    /// Row.
    #[serde(rename = "_uuid")]
    pub uuid: Uuid,
    /// Name; unique.
    pub name: String,
    /// `MAC IP...`, `dynamic`, `unknown`, `router`.
    pub addresses: Set<String>,
    /// What `ovn-northd` gave for `dynamic`.
    pub dynamic_addresses: Optional<String>,
    /// From where it may send.
    pub port_security: Set<String>,
    /// Whether a chassis has bound it.
    pub up: Optional<bool>,
    /// Whose it is.
    pub external_ids: Map,
}

/// A rate limit of a logical switch, for some of its traffic.
#[derive(Debug, Clone, Deserialize)]
pub struct QosRule {
    /// Row.
    #[serde(rename = "_uuid")]
    pub uuid: Uuid,
}

/// What is answered to DHCP requests.
#[derive(Debug, Clone, Deserialize)]
pub struct DhcpOptions {
    /// Row.
    #[serde(rename = "_uuid")]
    pub uuid: Uuid,
}

/// A router.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct LogicalRouter {
    /// Its ports.
    pub(super) ports: Set<Uuid>,
    /// Its routes.
    pub(super) static_routes: Set<Uuid>,
    /// Whose it is.
    pub(super) external_ids: Map,
}

/// A port of a router.
#[derive(Debug, Clone, Deserialize)]
pub struct LogicalRouterPort {
    /// Row.
    #[serde(rename = "_uuid")]
    pub uuid: Uuid,
    /// Name; unique.
    pub name: String,
    /// Its addresses with their prefixes, `10.0.0.1/24`.
    pub networks: Set<String>,
    /// Whose it is.
    pub external_ids: Map,
}

/// A route of a router.
#[derive(Debug, Clone, Deserialize)]
pub struct StaticRoute {
    /// Row.
    #[serde(rename = "_uuid")]
    pub uuid: Uuid,
    /// Where to.
    pub ip_prefix: String,
    /// By which router.
    pub nexthop: String,
    /// Whose it is.
    pub external_ids: Map,
}

impl Row for LogicalRouter {
    const TABLE: &'static str = "Logical_Router";
    const COLUMNS: &'static [&'static str] = &["ports", "static_routes", "external_ids"];
}

impl Row for LogicalRouterPort {
    const TABLE: &'static str = "Logical_Router_Port";
    const COLUMNS: &'static [&'static str] = &["_uuid", "name", "networks", "external_ids"];
}

impl Row for StaticRoute {
    const TABLE: &'static str = "Logical_Router_Static_Route";
    const COLUMNS: &'static [&'static str] = &["_uuid", "ip_prefix", "nexthop", "external_ids"];
}

impl Row for LogicalSwitch {
    const TABLE: &'static str = "Logical_Switch";
    const COLUMNS: &'static [&'static str] =
        &["_uuid", "name", "ports", "other_config", "external_ids"];
}

impl Row for LogicalSwitchPort {
    const TABLE: &'static str = "Logical_Switch_Port";
    const COLUMNS: &'static [&'static str] =
        &["_uuid", "name", "addresses", "dynamic_addresses", "port_security", "up", "external_ids"];
}

impl Row for QosRule {
    const TABLE: &'static str = "QoS";
    const COLUMNS: &'static [&'static str] = &["_uuid"];
}

impl Row for DhcpOptions {
    const TABLE: &'static str = "DHCP_Options";
    const COLUMNS: &'static [&'static str] = &["_uuid"];
}
