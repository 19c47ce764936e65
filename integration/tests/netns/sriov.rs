//! Verbs of the plugin where no SR-IOV is needed.

use serde_json::json;
use testkit::netns::Netns;
use testkit::witness::ip_json;

use crate::bed::{VF0, conf, sriov, state};

#[test]
fn add_check_del() {
    let (sriov, _turn) = sriov();
    let (before, pod) = (state(), Netns::new());
    let result = sriov.add(&conf(&json!({})), "a", "net1", pod.path()).expect_ok();
    assert_eq!(result["interfaces"][0]["pciID"], VF0);
    let link = &ip_json(Some(pod.name()), &["addr", "show", "net1"])[0];
    assert_eq!((&link["mtu"], &link["addr_info"][0]["local"]), (&json!(1400), &json!("10.9.0.2")));
    sriov.check(&conf(&json!({})), "a", "net1", pod.path()).expect_ok();
    sriov.del(&conf(&json!({})), "a", "net1", pod.path()).expect_ok();
    assert_eq!(state(), before);
}

#[test]
fn l2enable_calls_no_ipam() {
    let (sriov, _turn) = sriov();
    let (before, pod) = (state(), Netns::new());
    let conf = conf(&json!({"l2enable": true, "if0name": "if0"}));
    let result = sriov.add(&conf, "a", "net1", pod.path()).expect_ok();
    assert_eq!((&result["interfaces"][0]["name"], &result["ips"]), (&json!("if0"), &json!(null)));
    assert_eq!(ip_json(Some(pod.name()), &["link", "show", "if0"])[0]["mtu"], 1400);
    sriov.del(&conf, "a", "net1", pod.path()).expect_ok();
    assert_eq!(state(), before);
}

#[test]
fn a_missing_ipam_leaves_nothing() {
    let (sriov, _turn) = sriov();
    let (before, pod) = (state(), Netns::new());
    let conf = conf(&json!({"ipam": {"type": "nosuchipam"}}));
    let (msg, details) = sriov.add(&conf, "a", "net1", pod.path()).expect_error(7);
    assert!(format!("{msg} {details}").contains("nosuchipam"), "{msg} {details}");
    assert_eq!(state(), before);
}

#[test]
fn a_namespace_that_is_none_is_refused() {
    let (sriov, _turn) = sriov();
    let before = state();
    let (msg, _) = sriov.add(&conf(&json!({})), "a", "net1", "/proc/version").expect_error(5);
    assert!(msg.contains("/proc/version"), "{msg}");
    assert_eq!(state(), before);
}
