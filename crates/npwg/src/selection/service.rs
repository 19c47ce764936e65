//! Services of the host an element asks for: ports and limits.

use std::net::IpAddr;
use std::num::{NonZeroU16, NonZeroU64};
use std::str::FromStr;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::Invalid;
use crate::fields::Fields;

const PORT: &str = "a port from 1 to 65535";
const LIMIT: &str = "a whole number of bits (per second) above 0";
const RATES: &str =
    "an object with ingressRate, egressRate or both; a burst needs the rate of its direction";

/// A port of the host that leads to one of the pod. Serializes as the capability `portMappings`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PortMapping {
    /// Port of the host.
    pub host_port: NonZeroU16,
    /// Port of the pod.
    pub container_port: NonZeroU16,
    /// Protocol; TCP unless the element says another.
    pub protocol: Protocol,
    /// Address of the host it is limited to.
    #[serde(rename = "hostIP", skip_serializing_if = "Option::is_none")]
    pub host_ip: Option<IpAddr>,
}

/// Protocol of a port.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "their names say it")]
pub enum Protocol {
    #[default]
    Tcp,
    Udp,
    Sctp,
}

/// Limits of the traffic, in bits per second and bits. Serializes as the capability `bandwidth`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Bandwidth {
    /// Rate into the pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ingress_rate: Option<NonZeroU64>,
    /// Burst into the pod; only with a rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ingress_burst: Option<NonZeroU64>,
    /// Rate out of the pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub egress_rate: Option<NonZeroU64>,
    /// Burst out of the pod; only with a rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub egress_burst: Option<NonZeroU64>,
}

/// The text names no protocol we know.
pub struct UnknownProtocol;

impl FromStr for Protocol {
    type Err = UnknownProtocol;

    fn from_str(text: &str) -> Result<Self, UnknownProtocol> {
        let known = [("tcp", Self::Tcp), ("udp", Self::Udp), ("sctp", Self::Sctp)];
        let found = known.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        found.map(|(_, protocol)| protocol).ok_or(UnknownProtocol)
    }
}

/// The key `portMappings`.
pub(super) fn port_mappings(fields: &Fields) -> Result<Vec<PortMapping>, Invalid> {
    let list = fields.list("portMappings", "a list of objects", "an object", Value::as_object)?;
    let mappings = list.unwrap_or_default().into_iter().enumerate();
    mappings.map(|(index, object)| port_mapping(fields, index, object)).collect()
}

fn port_mapping(
    outer: &Fields,
    index: usize,
    object: &Map<String, Value>,
) -> Result<PortMapping, Invalid> {
    const KEYS: [&str; 4] = ["hostPort", "containerPort", "protocol", "hostIP"];
    let path = format!("portMappings[{index}]");
    let fields = outer.nested(&path, object, &KEYS)?;
    let port = |key| fields.number(key, PORT)?.ok_or_else(|| Invalid::missing(key, PORT));
    let read = || {
        Ok(PortMapping {
            host_port: port("hostPort")?,
            container_port: port("containerPort")?,
            protocol: fields.parsed("protocol", "tcp, udp or sctp")?.unwrap_or_default(),
            host_ip: fields.parsed("hostIP", "an IP address of the host")?,
        })
    };
    read().map_err(|invalid: Invalid| invalid.within(&path))
}

/// The key `bandwidth`.
pub(super) fn bandwidth(outer: &Fields) -> Result<Option<Bandwidth>, Invalid> {
    const KEYS: [&str; 4] = ["ingressRate", "ingressBurst", "egressRate", "egressBurst"];
    let Some(object) = outer.object("bandwidth")? else { return Ok(None) };
    let fields = outer.nested("bandwidth", object, &KEYS)?;
    let limit =
        |key| fields.number(key, LIMIT).map_err(|invalid: Invalid| invalid.within("bandwidth"));
    let limits = Bandwidth {
        ingress_rate: limit("ingressRate")?,
        ingress_burst: limit("ingressBurst")?,
        egress_rate: limit("egressRate")?,
        egress_burst: limit("egressBurst")?,
    };
    if limits.are_complete() {
        return Ok(Some(limits));
    }
    Err(Invalid::new("bandwidth", &object.clone().into(), RATES))
}

impl Bandwidth {
    /// Whether there is a rate, and every burst has one.
    fn are_complete(&self) -> bool {
        let of = |rate: Option<_>, burst: Option<_>| rate.is_some() || burst.is_none();
        (self.ingress_rate.is_some() || self.egress_rate.is_some())
            && of(self.ingress_rate, self.ingress_burst)
            && of(self.egress_rate, self.egress_burst)
    }
}
