//! What an attachment is called in a database of Open vSwitch or OVN, and how its rows are found again.

use std::collections::BTreeMap;

use cni::Request;
use journal::Owner;

const CONTAINER: &str = "fastpath-container";
const IFNAME: &str = "fastpath-ifname";
const NETWORK: &str = "fastpath-network";
const POD: &str = "fastpath-pod";
const BOOT: &str = "fastpath-boot";

/// Name of a port: a prefix of two letters, and 13 digits; as many as an interface's name may have.
#[must_use]
pub fn port_name(prefix: &str, owner: &Owner) -> String {
    format!("{prefix}{:013x}", owner.digest("port") & 0xf_ffff_ffff_ffff)
}

/// A locally administered MAC for who was given none: another one on every host, and
/// the same when an ADD is repeated.
#[must_use]
pub fn mac(owner: &Owner, boot_id: &str) -> [u8; 6] {
    let mut bytes = [0x02; 6];
    bytes[1..].copy_from_slice(&owner.digest(boot_id).to_be_bytes()[3..]);
    bytes
}

/// `external_ids` of all rows of an attachment.
#[must_use]
pub fn external_ids(request: &Request, owner: &Owner, boot_id: &str) -> BTreeMap<String, String> {
    let ids = [
        (CONTAINER, owner.container_id.clone()),
        (IFNAME, owner.ifname.clone()),
        (NETWORK, request.conf.name.clone()),
        (BOOT, boot_id.to_owned()),
    ];
    let pod = pod(request).map(|pod| (POD, pod));
    ids.into_iter().chain(pod).map(|(key, value)| (key.to_owned(), value)).collect()
}

/// `namespace/name`, for people who look into the switch; only what can be a name in Kubernetes.
fn pod(request: &Request) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
    let name = |key| {
        let name = request.args.get(key)?;
        (!name.is_empty() && name.len() <= 253 && name.chars().all(plain)).then_some(name)
    };
    Some(format!("{}/{}", name("K8S_POD_NAMESPACE")?, name("K8S_POD_NAME")?))
}

/// What finds the rows of one attachment.
#[must_use]
pub fn rows_of(owner: &Owner) -> Vec<(&str, &str)> {
    vec![(CONTAINER, owner.container_id.as_str()), (IFNAME, owner.ifname.as_str())]
}

/// What finds the rows of all attachments of a network.
#[must_use]
pub fn rows_of_network(network: &str) -> [(&str, &str); 1] {
    [(NETWORK, network)]
}

/// Whose a row is.
#[must_use]
pub fn of_row(external_ids: &BTreeMap<String, String>) -> Option<Owner> {
    let [container_id, ifname] = [CONTAINER, IFNAME].map(|key| external_ids.get(key).cloned());
    Some(Owner { container_id: container_id?, ifname: ifname? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(ifname: &str) -> Owner {
        Owner { container_id: "c".repeat(64), ifname: ifname.to_owned() }
    }

    #[test]
    fn names_are_short_and_differ() {
        let names = ["net1", "net2"].map(|ifname| port_name("vh", &owner(ifname)));
        assert_ne!(names[0], names[1]);
        assert!(names.iter().all(|name| name.len() == 15), "{names:?}");
        assert_eq!(port_name("vh", &owner("net1")), names[0]);
    }

    #[test]
    fn macs_are_unicast_and_differ_from_host_to_host() {
        let macs = ["boot", "another"].map(|boot| mac(&owner("net1"), boot));
        assert_ne!(macs[0], macs[1]);
        assert!(macs.iter().all(|mac| mac[0] == 2));
    }
}
