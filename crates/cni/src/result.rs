//! The result of ADD (CNI spec 5, "Success"), kept in its 1.1.0 shape; other versions are
//! converted at the edges by the `convert` module below.

mod convert;

use std::net::IpAddr;

use ipnetwork::IpNetwork;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::{Error, Version};

/// What ADD did: interfaces, addresses, routes and name servers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddResult {
    /// Interfaces created or moved, on the host and in the container.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub interfaces: Vec<Interface>,
    /// Addresses assigned.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub ips: Vec<IpConfig>,
    /// Routes added.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Route>,
    /// Name servers; left out when empty.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Dns::is_empty")]
    pub dns: Dns,
}

/// An interface of the result.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    /// Its name in the namespace it is in.
    pub name: String,
    /// Hardware address, `aa:bb:cc:dd:ee:ff`.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// MTU in bytes. Since 1.1.0.
    #[serde(default, deserialize_with = "nonzero", skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// Path of the network namespace; none for an interface of the host.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<String>,
    /// Absolute path of the socket behind the interface (vhost-user, memif). Since 1.1.0.
    #[serde(
        default,
        rename = "socketPath",
        deserialize_with = "text",
        skip_serializing_if = "Option::is_none"
    )]
    pub socket_path: Option<String>,
    /// PCI address of the device behind the interface, `0000:af:06.0`. Since 1.1.0.
    #[serde(
        default,
        rename = "pciID",
        deserialize_with = "text",
        skip_serializing_if = "Option::is_none"
    )]
    pub pci_id: Option<String>,
}

/// An address of the result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IpConfig {
    /// Address and prefix length, host bits included.
    pub address: IpNetwork,
    /// Default gateway of that subnet.
    #[serde(default, deserialize_with = "ip", skip_serializing_if = "Option::is_none")]
    pub gateway: Option<IpAddr>,
    /// Index into [`AddResult::interfaces`].
    #[serde(default, deserialize_with = "index", skip_serializing_if = "Option::is_none")]
    pub interface: Option<usize>,
}

/// A route of the result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Destination.
    pub dst: IpNetwork,
    /// Next hop; the default gateway of the subnet when none.
    #[serde(default, deserialize_with = "ip", skip_serializing_if = "Option::is_none")]
    pub gw: Option<IpAddr>,
    /// MTU of the path in bytes. Since 1.1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// Maximal TCP segment to advertise, in bytes. Since 1.1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advmss: Option<u32>,
    /// Priority; lower is preferred. Since 1.1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u32>,
    /// Routing table. Since 1.1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<u32>,
    /// Scope: 0 global, 253 link, 254 host. Since 1.1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<u32>,
}

/// Name service settings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dns {
    /// Addresses of name servers, in order of preference.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub nameservers: Vec<String>,
    /// Local domain for short names.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Search domains, in order of preference.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub search: Vec<String>,
    /// Options for the resolver.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
}

impl Dns {
    /// Whether it sets nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl AddResult {
    /// The result as printed for a configuration of `version`: what that version cannot say is
    /// left out. 0.2.0 and older take the first address of each family; without any address only
    /// the version remains, because an attachment without addresses is what DPDK users ask for.
    ///
    /// # Errors
    /// Code 6 when a value has no JSON form.
    pub fn to_json(&self, version: Version) -> Result<Value, Error> {
        convert::to_json(self, version)
    }

    /// Reads a result of the version it names, or of `default` when it names none.
    ///
    /// # Errors
    /// Code 1 when it names an unknown version, 6 when it does not have that version's shape.
    pub fn from_json(value: &Value, default: Version) -> Result<Self, Error> {
        convert::from_json(value, default)
    }
}

/// Null is the default.
fn or_default<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Default + Deserialize<'de>,
    D: Deserializer<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// The Go types cannot tell an empty string from none.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    Ok(text.filter(|text| !text.is_empty()))
}

/// The Go types cannot tell 0 from none.
fn nonzero<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let number: Option<u32> = Option::deserialize(deserializer)?;
    Ok(number.filter(|&number| number != 0))
}

fn ip<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<IpAddr>, D::Error> {
    text(deserializer)?.map(|text| text.parse().map_err(serde::de::Error::custom)).transpose()
}

/// Early plugins write -1 for "no interface".
fn index<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    let number: Option<i64> = Option::deserialize(deserializer)?;
    Ok(number.and_then(|number| usize::try_from(number).ok()))
}
