//! The networks a pod selects (multi-net-spec 4.1).

mod address;
mod element;
mod parse;
mod service;

use std::net::IpAddr;

use cni::IfName;
use serde_json::{Map, Value, json};

pub use address::{HardwareAddress, IbGuid, IpRequest, Mac};
pub use parse::selections;
pub use service::{Bandwidth, PortMapping, Protocol};

/// One element of the pod's annotation: a network, and what the pod wants there. Made by
/// [`selections`], which has checked it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Namespace of the network: that of the pod unless the element says another.
    pub namespace: String,
    /// Name of the network.
    pub name: String,
    /// `interface`: what the interface is to be called.
    pub interface: Option<IfName>,
    /// `ips`: addresses it is to have. Empty: it does not matter.
    pub ips: Vec<IpRequest>,
    /// `mac`: hardware address it is to have.
    pub mac: Option<Mac>,
    /// `infiniband-guid`: GUID it is to have.
    pub infiniband_guid: Option<IbGuid>,
    /// `portMappings`: ports of the host that lead to it.
    pub port_mappings: Vec<PortMapping>,
    /// `bandwidth`: limits of its traffic.
    pub bandwidth: Option<Bandwidth>,
    /// `deviceID`: the device to attach, where kubelet did not choose one. Whether a pod may name a
    /// device is for the caller to decide.
    pub device_id: Option<String>,
    /// `cni-args`: goes over the `args` of the network's configuration.
    pub cni_args: Map<String, Value>,
    /// `default-route`: this attachment has the pod's default route, through these gateways; through
    /// the one its own plugin chose when the list is empty.
    pub default_route: Option<Vec<IpAddr>>,
    /// `ipam-claim-reference`: the `IPAMClaim` that keeps its addresses.
    pub ipam_claim_reference: Option<String>,
}

impl Selection {
    /// A network, with no wishes.
    fn of(namespace: String, name: String) -> Self {
        Self {
            namespace,
            name,
            interface: None,
            ips: Vec::new(),
            mac: None,
            infiniband_guid: None,
            port_mappings: Vec::new(),
            bandwidth: None,
            device_id: None,
            cni_args: Map::new(),
            default_route: None,
            ipam_claim_reference: None,
        }
    }

    /// What this asks of the plugins, by capability: `ips`, `mac`, `infinibandGUID`, `portMappings`,
    /// `bandwidth`, `deviceID`, each in the shape the CNI conventions give it, and only when asked
    /// for. An attachment must fail when no plugin of the network declares one of them, apart from
    /// `deviceID`, which plugins take from their configuration as well (multi-net-spec 4.1.2.1).
    #[must_use]
    pub fn capability_args(&self) -> Map<String, Value> {
        let ips: Vec<_> = self.ips.iter().map(IpRequest::as_str).collect();
        let asked = [
            ("ips", (!ips.is_empty()).then(|| json!(ips))),
            ("mac", self.mac.map(|mac| json!(mac.to_string()))),
            ("infinibandGUID", self.infiniband_guid.map(|guid| json!(guid.to_string()))),
            ("portMappings", (!self.port_mappings.is_empty()).then(|| json!(self.port_mappings))),
            ("bandwidth", self.bandwidth.map(|bandwidth| json!(bandwidth))),
            ("deviceID", self.device_id.as_ref().map(|id| json!(id))),
        ];
        let given = |(key, value): (&str, Option<Value>)| Some((key.to_owned(), value?));
        asked.into_iter().filter_map(given).collect()
    }
}
