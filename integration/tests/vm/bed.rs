//! What every test starts from: seven VFs on eth0, three on eth1, nothing attached.

use std::fs;
use std::sync::Once;
use std::time::Duration;

use integration::{leftovers, listing};
use serde_json::{Value, json};
use testkit::cni::Plugin;
use testkit::wait::eventually;
use testkit::witness::{ip_json, vf_table};

/// First VF of eth0.
pub(crate) const VF0: &str = "0000:01:10.0";
/// Second VF of eth0.
pub(crate) const VF1: &str = "0000:01:10.2";

/// Makes the VFs once and returns the plugin with the suites' IPAM and Debian's plugins in reach.
pub(crate) fn sriov() -> Plugin {
    static VFS: Once = Once::new();
    VFS.call_once(|| {
        for (pf, count) in [("eth0", 7), ("eth1", 3)] {
            fs::write(format!("/sys/class/net/{pf}/device/sriov_numvfs"), count.to_string())
                .unwrap();
        }
        eventually(Duration::from_secs(30), "every VF has a netdev", || {
            !(vf_table("eth0") + &vf_table("eth1")).contains("netdev=-")
        });
    });
    Plugin::new("sriov").path(&integration::test_ipam()).path("/usr/lib/cni")
}

/// Everything that an attachment may change and must put back.
pub(crate) fn state() -> String {
    vf_table("eth0") + &vf_table("eth1") + &leftovers()
}

/// multus-lite, with everything that the examples call in reach.
pub(crate) fn multus() -> Plugin {
    sriov();
    Plugin::new("multus-lite").path("/usr/lib/cni")
}

/// The same as [`state`], with what Debian's plugins may leave: leases, and what the bridge holds.
/// The bridge itself is theirs to leave.
pub(crate) fn multus_state() -> String {
    let networks = "/var/lib/cni/networks";
    let leases = listing(networks).into_iter().flat_map(|n| listing(format!("{networks}/{n}")));
    let leases: Vec<_> = leases.filter(|name| name.starts_with("10.")).collect();
    let links = ip_json(None, &["link", "show"]);
    let is_veth = |link: &&Value| link["linkinfo"]["info_kind"] == "veth";
    let veths = links.as_array().unwrap().iter().filter(is_veth).count();
    format!("{}leases {leases:?}\nveths {veths}\n", state())
}

/// The driver that a device is bound to.
pub(crate) fn driver(pci: &str) -> String {
    let link = fs::read_link(format!("/sys/bus/pci/devices/{pci}/driver")).unwrap();
    link.file_name().unwrap().to_string_lossy().into_owned()
}

/// A configuration for VF 0 of eth0, with further keys.
pub(crate) fn conf(keys: &Value) -> Value {
    let base = json!({"cniVersion": "1.1.0", "name": "net", "type": "sriov", "deviceID": VF0});
    integration::with(&base, keys)
}

/// The thesis' dialect: any VF of eth0, bound to this driver.
pub(crate) fn dpdk_conf(driver: &str) -> Value {
    json!({"cniVersion": "1.1.0", "name": "net", "type": "sriov", "if0": "eth0",
           "dpdk": {"kernel_driver": "igbvf", "dpdk_driver": driver}})
}
