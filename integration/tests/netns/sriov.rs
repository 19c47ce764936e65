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
fn the_hosts_own_namespace_is_refused() {
    let (sriov, _turn) = sriov();
    let before = state();
    sriov.add(&conf(&json!({})), "a", "net1", "/proc/self/ns/net").expect_error(4);
    assert_eq!(state(), before);
}

#[test]
fn a_failing_ipam_gives_the_vf_back() {
    let (sriov, _turn) = sriov();
    let (before, pod) = (state(), Netns::new());
    let dir = "/run/failing-ipam";
    std::fs::create_dir_all(dir).unwrap();
    std::os::unix::fs::symlink("/bin/false", format!("{dir}/failing")).unwrap();
    let conf = conf(&json!({"ipam": {"type": "failing"}}));
    let sriov = sriov.path(dir);
    let output = sriov.add(&conf, "a", "net1", pod.path());
    assert_ne!(output.code, 0);
    assert_eq!(ip_json(None, &["link", "show", "vf0"])[0]["ifname"], "vf0");
    // DEL of that IPAM fails too, so the record has to stay until it works.
    let text = state();
    assert!(text.contains("@a:net1.json"), "{text}");
    std::fs::remove_file(format!("{dir}/failing")).unwrap();
    std::os::unix::fs::symlink("/bin/true", format!("{dir}/failing")).unwrap();
    sriov.del(&conf, "a", "net1", pod.path()).expect_ok();
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
