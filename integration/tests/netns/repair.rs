//! What killed, lost and rebooted pods leave, put right by one pass.

use integration::marker::Marker;
use integration::repair::{kill_and_repair, reboot, repair, repairs};
use integration::{listing, run};
use serde_json::json;
use testkit::cni::Plugin;
use testkit::netns::Netns;

use crate::bed::{VF1, conf, sriov, state};

/// As the kernel does with real VFs when their namespace dies.
fn comes_home(pod: &Netns, name: &str) {
    let here = std::process::id().to_string();
    pod.ip(&["link", "set", "net1", "netns", &here, "name", name]);
}

#[test]
fn killed_at_every_point_of_add_and_del() {
    let (sriov, _turn) = sriov();
    let pod = Netns::new();
    for report in kill_and_repair("kernel", &sriov, &conf(&json!({})), pod.path(), |_| true, state)
    {
        report.assert_clean();
    }
}

#[test]
fn a_pod_that_lives_keeps_its_vf() {
    let (sriov, _turn) = sriov();
    let (before, lives, lost) = (state(), Netns::new(), Netns::new());
    sriov.add(&conf(&json!({})), "lives", "net1", lives.path()).expect_ok();
    let with_it = state();
    let second = conf(&json!({"deviceID": VF1}));
    sriov.add(&second, "lost", "net1", lost.path()).expect_ok();
    comes_home(&lost, "vf1");
    lost.delete();
    repairs(state, &["left-over sriov lost:net1"]);
    assert_eq!(state(), with_it);
    sriov.del(&conf(&json!({})), "lives", "net1", lives.path()).expect_ok();
    assert_eq!(state(), before);
}

/// What is in the foreign namespace has the name of what was given to the pod.
#[test]
fn another_namespace_at_the_same_path_is_not_touched() {
    let (sriov, _turn) = sriov();
    let (before, pod, other) = (state(), Netns::new(), Netns::new());
    sriov.add(&conf(&json!({})), "a", "net1", pod.path()).expect_ok();
    comes_home(&pod, "vf0");
    other.ip(&["link", "add", "net1", "type", "veth", "peer", "name", "peer"]);
    let links = other.ip(&["link"]);
    run("mount", &["--bind", other.path(), pod.path()]);
    repairs(state, &["left-over sriov a:net1"]);
    run("umount", &[pod.path()]);
    assert_eq!(other.ip(&["link"]), links);
    assert_eq!(state(), before);
}

#[test]
fn a_namespace_that_cannot_be_seen_is_not_one_that_is_gone() {
    let (sriov, _turn) = sriov();
    let (before, pod) = (state(), Netns::new());
    sriov.add(&conf(&json!({})), "a", "net1", pod.path()).expect_ok();
    let attached = state();
    // As in a container that has no mounts of the host's.
    run("mount", &["-t", "tmpfs", "tmpfs", "/run/netns"]);
    let file = std::fs::write(pod.path(), "");
    let unseen = repair(&[]);
    run("umount", &["/run/netns"]);
    file.unwrap();
    assert_eq!(
        (unseen.status, unseen.told()),
        (Some(1), vec!["unseen sriov a:net1 failed".to_owned()])
    );
    assert_eq!(state(), attached);
    sriov.del(&conf(&json!({})), "a", "net1", pod.path()).expect_ok();
    assert_eq!(state(), before);
}

/// Leases outlive a reboot, which wipes all else; the VF may have another owner by now.
#[test]
fn after_a_reboot_leases_go_and_the_vf_stays_as_it_is() {
    let (sriov, _turn) = sriov();
    let (before, pod) = (state(), Netns::new());
    sriov.add(&conf(&json!({})), "a", "net1", pod.path()).expect_ok();
    comes_home(&pod, "vf0");
    reboot(integration::RECORDS);
    let device = state();
    repairs(state, &["left-over sriov a:net1"]);
    assert!(listing("/run/testipam").is_empty() && listing(integration::RECORDS).is_empty());
    let links = |state: &str| state.split("records").next().map(str::to_owned);
    assert_eq!(links(&state()), links(&device));
    // What the pod had changed goes with the reboot; here by hand.
    run("ip", &["link", "set", "vf0", "down"]);
    run("ip", &["link", "set", "vf0", "mtu", "1500"]);
    assert_eq!(state(), before);
}

#[test]
fn what_multus_lite_had_made_goes_by_its_del() {
    let (_, _turn) = sriov();
    let (before, lost) = (state(), Netns::new());
    let marker = Marker::install("/run/marker-repair", &["marked"]);
    let bin = marker.dir().join("bin").display().to_string();
    let multus = Plugin::new("multus-lite").path(&bin).path(&integration::test_ipam());
    let default =
        json!({"cniVersion": "1.0.0", "name": "default", "plugins": [{"type": "marked"}]});
    let conf = json!({"cniVersion": "1.0.0", "name": "all", "type": "multus",
                      "delegates": [default, conf(&json!({}))]});
    multus.add(&conf, "lost", "eth0", lost.path()).expect_ok();
    assert_eq!((marker.marks().len(), listing(integration::RECORDS).len()), (1, 1));
    comes_home(&lost, "vf0");
    lost.delete();
    repairs(state, &["left-over multus-lite lost:eth0"]);
    assert_eq!(marker.marks(), [""; 0]);
    assert_eq!(state(), before);
}
