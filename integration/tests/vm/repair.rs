//! What killed and lost pods leave of real VFs, put right by one pass.

use integration::repair::{kill_and_repair, repairs};
use serde_json::json;
use testkit::netns::Netns;

use crate::bed::{VF1, conf, dpdk_conf, sriov, state};
use crate::killed::touches_the_device;

#[test]
fn kernel_mode_killed() {
    let (sriov, pod) = (sriov(), Netns::new());
    let conf = conf(&json!({"vlan": 7, "mac": "02:00:00:00:00:94", "mtu": 1400, "trust": "on",
                            "ipam": {"type": "testipam"}}));
    for report in kill_and_repair("kernel", &sriov, &conf, pod.path(), touches_the_device, state) {
        report.assert_clean();
    }
}

#[test]
fn dpdk_mode_killed() {
    let (sriov, pod) = (sriov(), Netns::new());
    let conf = integration::with(&dpdk_conf("vfio-pci"), &json!({"vlan": 7}));
    for report in kill_and_repair("dpdk", &sriov, &conf, pod.path(), touches_the_device, state) {
        report.assert_clean();
    }
}

#[test]
fn vfs_of_lost_pods_come_back_and_those_of_others_stay() {
    let (sriov, before) = (sriov(), state());
    let [lives, lost] = [(); 2].map(|()| Netns::new());
    let kept = conf(&json!({"vlan": 3, "deviceID": VF1}));
    sriov.add(&kept, "lives", "net1", lives.path()).expect_ok();
    let with_it = state();
    let all = json!({"vlan": 9, "mac": "02:00:00:00:00:97", "mtu": 1300, "trust": "on",
                     "spoofchk": "off", "max_tx_rate": 50, "ipam": {"type": "testipam"}});
    sriov.add(&conf(&all), "lost", "net1", lost.path()).expect_ok();
    let dpdk = integration::with(&dpdk_conf("vfio-pci"), &json!({"vlan": 7}));
    sriov.add(&dpdk, "lost", "net2", lost.path()).expect_ok();
    lost.delete();
    repairs(state, &["left-over sriov lost:net1", "left-over sriov lost:net2"]);
    assert_eq!(state(), with_it);
    sriov.del(&kept, "lives", "net1", lives.path()).expect_ok();
    assert_eq!(state(), before);
}

/// A VF that somebody else has moved is none of ours.
#[test]
fn a_vf_without_a_record_is_told_and_left() {
    let (_, before, pod) = (sriov(), state(), Netns::new());
    let name = integration::listing(format!("/sys/bus/pci/devices/{VF1}/net")).remove(0);
    integration::run("ip", &["link", "set", &name, "netns", pod.name()]);
    let moved = state();
    let told = integration::repair::repair(&[]);
    assert_eq!((told.status, told.told()), (Some(0), vec![format!("foreign-vf VF {VF1} left")]));
    assert_eq!(state(), moved);
    pod.ip(&["link", "set", &name, "netns", "1"]);
    assert_eq!(state(), before);
}
