//! A switch as a chassis of OVN, as far as its database tells (ovn-controller(8), "CONFIGURATION").

use super::rows::OpenVswitch;

/// Integration bridge of who is told no other.
const BRIDGE: &str = "br-int";

/// What `ovn-controller` is told to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chassis {
    /// Its name in the southbound database.
    pub name: String,
    /// Its integration bridge, which is there once `ovn-controller` was.
    pub bridge: String,
    /// Its kinds of tunnels: `geneve`, or several with commas.
    pub tunnels: String,
}

impl OpenVswitch {
    /// The chassis that this switch is; none where no southbound database or no name is said. Packages give
    /// every switch a name, so that one alone makes no chassis.
    #[must_use]
    pub fn chassis(&self) -> Option<Chassis> {
        let told = |key: &str| self.external_ids.get(key).map(str::to_owned);
        told("ovn-remote")?;
        Some(Chassis {
            name: told("system-id")?,
            bridge: told("ovn-bridge").unwrap_or_else(|| BRIDGE.to_owned()),
            tunnels: told("ovn-encap-type")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn chassis(ids: &[(&str, &str)]) -> Option<Chassis> {
        let switch = json!({
            "cur_cfg": 1, "next_cfg": 1, "dpdk_initialized": false, "other_config": ["map", []],
            "external_ids": ["map", ids], "ovs_version": ["set", []], "dpdk_version": ["set", []],
        });
        serde_json::from_value::<OpenVswitch>(switch).unwrap().chassis()
    }

    #[test]
    fn a_switch_is_a_chassis_when_it_is_told_name_database_and_tunnel() {
        let ids = [("ovn-remote", "unix:/sb"), ("system-id", "a"), ("ovn-encap-type", "geneve")];
        let whole = chassis(&ids).unwrap();
        assert_eq!([whole.name, whole.bridge, whole.tunnels], ["a", "br-int", "geneve"]);
        for left_out in 0..ids.len() {
            let mut part = ids.to_vec();
            part.remove(left_out);
            assert_eq!(chassis(&part), None, "{part:?}");
        }
        let other = [&ids[..], &[("ovn-bridge", "br-ovn")]].concat();
        assert_eq!(chassis(&other).unwrap().bridge, "br-ovn");
    }
}
