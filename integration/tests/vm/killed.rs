//! Killed anywhere, on real VFs.

use std::env;

use integration::kill_add_and_del;
use serde_json::json;
use testkit::kill::Point;
use testkit::netns::Netns;

use crate::bed::{conf, dpdk_conf, sriov, state};

/// Points that touch PF, VF or driver; the namespace suite has the others, `make test-all` all here.
#[expect(clippy::disallowed_methods, reason = "a test's own switch")]
pub(crate) fn touches_the_device(point: &Point) -> bool {
    let all = env::var_os("FASTPATH_ALL_POINTS").is_some_and(|v| !v.is_empty());
    let loads_module = point.call.ends_with("_module") || point.target.ends_with("modprobe");
    all || loads_module || point.target.contains("netlink") || point.target.starts_with("/sys/")
}

#[test]
fn kernel_mode() {
    let (sriov, pod) = (sriov(), Netns::new());
    let conf = conf(&json!({"vlan": 7, "mac": "02:00:00:00:00:94", "mtu": 1400, "trust": "on",
                            "ipam": {"type": "testipam"}}));
    for report in kill_add_and_del("kernel", &sriov, &conf, pod.path(), touches_the_device, state) {
        report.assert_clean();
    }
}

#[test]
fn dpdk_mode() {
    let (sriov, pod) = (sriov(), Netns::new());
    let conf = integration::with(&dpdk_conf("vfio-pci"), &json!({"vlan": 7}));
    for report in kill_add_and_del("dpdk", &sriov, &conf, pod.path(), touches_the_device, state) {
        report.assert_clean();
    }
}
