//! Conversion between the result's versions (CNI spec 5; the shapes of older specifications).
//!
//! Three shapes: 1.1.0 (1.0.0 lacks fields), 0.3.0 to 0.4.0 (addresses carry their family), 0.1.0
//! and 0.2.0 (one address of each family, no interfaces).

use std::net::IpAddr;

use ipnetwork::IpNetwork;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{AddResult, Dns, Interface, IpConfig, Route, ip, or_default};
use crate::{Error, Version, code};

/// The shape of 0.1.0 and 0.2.0.
#[derive(Serialize, Deserialize)]
struct Legacy {
    #[serde(skip_serializing_if = "Option::is_none")]
    ip4: Option<LegacyIp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip6: Option<LegacyIp>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Dns::is_empty")]
    dns: Dns,
}

#[derive(Serialize, Deserialize)]
struct LegacyIp {
    ip: IpNetwork,
    #[serde(default, deserialize_with = "ip", skip_serializing_if = "Option::is_none")]
    gateway: Option<IpAddr>,
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    routes: Vec<Route>,
}

pub(super) fn to_json(result: &AddResult, version: Version) -> Result<Value, Error> {
    let mut value = match version {
        Version::V1_1_0 => encode(result)?,
        Version::V1_0_0 => encode(&without_1_1(result))?,
        Version::V0_3_0 | Version::V0_3_1 | Version::V0_4_0 => {
            let mut value = encode(&without_1_1(result))?;
            add_families(&mut value, &result.ips);
            value
        }
        Version::V0_1_0 | Version::V0_2_0 => encode(&legacy(result))?,
    };
    value["cniVersion"] = version.as_str().into();
    Ok(value)
}

pub(super) fn from_json(value: &Value, default: Version) -> Result<AddResult, Error> {
    if !value.is_object() {
        return Err(Error::new(code::DECODE, "decode a result", "it is not a JSON object"));
    }
    if version_of(value, default)? <= Version::V0_2_0 {
        let legacy: Legacy = decode(value)?;
        return Ok(from_legacy(legacy));
    }
    decode(value)
}

fn version_of(value: &Value, default: Version) -> Result<Version, Error> {
    match value.get("cniVersion") {
        None | Some(Value::Null) => Ok(default),
        Some(Value::String(text)) if text.is_empty() => Ok(default),
        Some(Value::String(text)) => text.parse().map_err(|error| {
            let hint = format!("supported are {}", Version::list());
            Error::from_chain(code::INCOMPATIBLE_VERSION, &error, &hint).context("in a result")
        }),
        Some(other) => {
            let details = format!("cniVersion is {other}, not a string");
            Err(Error::new(code::DECODE, "decode a result", details))
        }
    }
}

fn encode(value: &impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(value)
        .map_err(|error| Error::new(code::DECODE, "encode a result", error.to_string()))
}

fn decode<T: for<'de> Deserialize<'de>>(value: &Value) -> Result<T, Error> {
    T::deserialize(value)
        .map_err(|error| Error::new(code::DECODE, "decode a result", error.to_string()))
}

/// The result without what 1.1.0 added.
fn without_1_1(result: &AddResult) -> AddResult {
    let mut older = result.clone();
    for interface in &mut older.interfaces {
        let Interface { mtu, socket_path, pci_id, name: _, mac: _, sandbox: _ } = interface;
        (*mtu, *socket_path, *pci_id) = (None, None, None);
    }
    for route in &mut older.routes {
        *route = plain_route(route);
    }
    older
}

/// A route as versions before 1.1.0 know it.
fn plain_route(route: &Route) -> Route {
    let (dst, gw) = (route.dst, route.gw);
    Route { dst, gw, mtu: None, advmss: None, priority: None, table: None, scope: None }
}

/// 0.3.0 to 0.4.0 state the family of each address.
fn add_families(value: &mut Value, ips: &[IpConfig]) {
    for (index, config) in ips.iter().enumerate() {
        value["ips"][index]["version"] = json!(if config.address.is_ipv4() { "4" } else { "6" });
    }
}

fn legacy(result: &AddResult) -> Legacy {
    let family = |v4: bool| {
        let first = result.ips.iter().find(|config| config.address.is_ipv4() == v4)?;
        let routes = result.routes.iter().filter(|route| route.dst.is_ipv4() == v4);
        let routes = routes.map(plain_route).collect();
        Some(LegacyIp { ip: first.address, gateway: first.gateway, routes })
    };
    Legacy { ip4: family(true), ip6: family(false), dns: result.dns.clone() }
}

fn from_legacy(legacy: Legacy) -> AddResult {
    let mut result = AddResult { dns: legacy.dns, ..AddResult::default() };
    for family in [legacy.ip4, legacy.ip6].into_iter().flatten() {
        let LegacyIp { ip, gateway, routes } = family;
        result.ips.push(IpConfig { address: ip, gateway, interface: None });
        result.routes.extend(routes.iter().map(plain_route));
    }
    result
}

#[cfg(test)]
#[path = "convert_tests.rs"]
mod tests;
