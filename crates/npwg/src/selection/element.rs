//! One element of the JSON form (multi-net-spec 4.1.2.1).

use std::net::IpAddr;
use std::str::FromStr;

use cni::IfName;
use serde_json::{Map, Value};

use super::service::{bandwidth, port_mappings};
use super::{IbGuid, IpRequest, Mac, Selection};
use crate::Invalid;
use crate::fields::Fields;
use crate::names::{self, is_device_id, is_namespace, is_subdomain};

const KEYS: [&str; 13] = [
    "name",
    "namespace",
    "interface",
    "interfaceRequest",
    "ips",
    "mac",
    "infiniband-guid",
    "portMappings",
    "bandwidth",
    "deviceID",
    "cni-args",
    "default-route",
    "ipam-claim-reference",
];

/// What is valid as the name of an interface, in messages.
pub(super) const INTERFACE: &str =
    "1 to 15 bytes without '/', ':', white space and control characters";

const GATEWAYS: &str = "a list of IP addresses, which may be empty";
const GATEWAY: &str = "the IP address of a gateway";
const IPS: &str = "a list of at least one IP address";

/// Reads `object`, called `what` in warnings.
pub(super) fn selection(
    object: &Map<String, Value>,
    pod_namespace: &str,
    what: &str,
) -> Result<Selection, Invalid> {
    let fields = Fields::read(object, &KEYS, what)?;
    let selection = Selection {
        namespace: fields
            .checked("namespace", is_namespace, names::NAMESPACE)?
            .unwrap_or_else(|| pod_namespace.to_owned()),
        name: fields
            .checked("name", is_subdomain, names::SUBDOMAIN)?
            .ok_or_else(|| Invalid::missing("name", names::SUBDOMAIN))?,
        interface: interface(&fields)?,
        ips: ips(&fields)?,
        mac: fields.parsed("mac", Mac::WANT)?,
        infiniband_guid: fields.parsed("infiniband-guid", IbGuid::WANT)?,
        port_mappings: port_mappings(&fields)?,
        bandwidth: bandwidth(&fields)?,
        device_id: fields.checked("deviceID", is_device_id, names::DEVICE_ID)?,
        cni_args: fields.object("cni-args")?.cloned().unwrap_or_default(),
        default_route: fields.list("default-route", GATEWAYS, GATEWAY, parsed::<IpAddr>)?,
        ipam_claim_reference: fields.checked(
            "ipam-claim-reference",
            is_subdomain,
            names::SUBDOMAIN,
        )?,
    };
    match &selection.ipam_claim_reference {
        Some(claim) if !selection.ips.is_empty() => {
            let want = "absent when there are \"ips\": they come from the claim, or from the pod";
            Err(Invalid::new("ipam-claim-reference", &claim.as_str().into(), want))
        }
        _ => Ok(selection),
    }
}

/// `interface`, or `interfaceRequest`, as an early release of the Go client called it.
fn interface(fields: &Fields) -> Result<Option<IfName>, Invalid> {
    let interface: Option<IfName> = fields.parsed("interface", INTERFACE)?;
    let request: Option<IfName> = fields.parsed("interfaceRequest", INTERFACE)?;
    match (interface, request) {
        (Some(one), Some(other)) if one != other => {
            let want = "absent or the same as \"interface\"";
            Err(Invalid::new("interfaceRequest", &other.as_str().into(), want))
        }
        (interface, request) => Ok(interface.or(request)),
    }
}

fn ips(fields: &Fields) -> Result<Vec<IpRequest>, Invalid> {
    match fields.list("ips", IPS, IpRequest::WANT, parsed)? {
        Some(ips) if ips.is_empty() => Err(Invalid::new("ips", &Value::Array(Vec::new()), IPS)),
        ips => Ok(ips.unwrap_or_default()),
    }
}

/// A text that is a `T`.
fn parsed<T: FromStr>(value: &Value) -> Option<T> {
    value.as_str()?.parse().ok()
}

#[cfg(test)]
#[path = "element_tests.rs"]
mod tests;
