//! What every test starts from: seven VFs on eth0, two on eth1, nothing attached.

use std::fs;
use std::sync::Once;
use std::time::Duration;

use integration::leftovers;
use serde_json::{Value, json};
use testkit::cni::Plugin;
use testkit::wait::eventually;
use testkit::witness::vf_table;

/// First VF of eth0.
pub(crate) const VF0: &str = "0000:01:10.0";
/// Second VF of eth0.
pub(crate) const VF1: &str = "0000:01:10.2";

/// Makes the VFs once and returns the plugin with the suites' IPAM and Debian's plugins in reach.
pub(crate) fn sriov() -> Plugin {
    static VFS: Once = Once::new();
    VFS.call_once(|| {
        for (pf, count) in [("eth0", 7), ("eth1", 2)] {
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
