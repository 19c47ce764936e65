//! What a pod asks of a network: through the capability where a plugin declares it; MAC and addresses
//! otherwise through `CNI_ARGS`, and then they have to be in the result (multi-net-spec 4.1.2.1: a
//! request that no plugin can serve fails).

use cni::AddResult;
use cni::runtime::NetworkList;
use npwg::Selection;
use serde_json::{Map, Value};

use crate::error::MultusError;

/// What was asked without a capability.
#[derive(Debug, Default)]
pub(crate) struct Requested {
    mac: Option<String>,
    ips: Vec<String>,
}

impl Requested {
    /// Divides what is asked into values for declared capabilities and the rest.
    ///
    /// # Errors
    /// One of the rest can only be had through its capability.
    pub(crate) fn split(
        selection: &Selection,
        list: &NetworkList,
        network: &str,
    ) -> Result<(Map<String, Value>, Self), MultusError> {
        let declared = |key: &str| list.plugins.iter().any(|p| p.capabilities.contains(key));
        let (mut capability_args, mut requested) = (Map::new(), Self::default());
        for (key, value) in selection.capability_args() {
            match (key.as_str(), declared(&key)) {
                (_, true) | ("deviceID", _) => {
                    capability_args.insert(key, value);
                }
                ("mac", false) => requested.mac = value.as_str().map(str::to_owned),
                ("ips", false) => requested.ips = texts(&value),
                (_, false) => {
                    let network = network.to_owned();
                    return Err(MultusError::NoCapability { network, capability: key });
                }
            }
        }
        Ok((capability_args, requested))
    }

    /// As pairs of `CNI_ARGS`.
    pub(crate) fn args(&self) -> Vec<String> {
        let mac = self.mac.iter().map(|mac| format!("MAC={mac}"));
        let ips = (!self.ips.is_empty()).then(|| format!("IP={}", self.ips.join(",")));
        mac.chain(ips).collect()
    }

    /// Checks that the result has what was asked.
    ///
    /// # Errors
    /// It has not: no plugin took notice.
    pub(crate) fn verify(&self, result: &AddResult, network: &str) -> Result<(), MultusError> {
        let missing = |capability: &'static str, value: &str| MultusError::NotHonoured {
            network: network.to_owned(),
            capability,
            value: value.to_owned(),
        };
        if let Some(mac) = &self.mac {
            let has =
                |i: &cni::Interface| i.mac.as_ref().is_some_and(|m| m.eq_ignore_ascii_case(mac));
            if !result.interfaces.iter().any(|i| i.sandbox.is_some() && has(i)) {
                return Err(missing("mac", mac));
            }
        }
        for ip in &self.ips {
            let address = ip.split('/').next().unwrap_or_default();
            if !result.ips.iter().any(|given| given.address.ip().to_string() == address) {
                return Err(missing("ips", ip));
            }
        }
        Ok(())
    }
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
