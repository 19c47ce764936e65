//! multus-lite's GC, and its ADD and DEL killed anywhere.

use std::fs;

use integration::{listing, nothing_valid, with};
use serde_json::{Value, json};
use testkit::netns::Netns;

use crate::bed::{VF0, VF1};
use crate::multus::{MARKER, all_state, conf, mark, multus, vf};

fn valid(conf: &Value, attachments: &[&str]) -> Value {
    let list: Vec<_> =
        attachments.iter().map(|c| json!({"containerID": c, "ifname": "eth0"})).collect();
    with(conf, &json!({ "cni.dev/valid-attachments": list }))
}

#[test]
fn gc_keeps_what_is_valid_and_takes_back_the_rest() {
    let (multus, _marker, _turn) = multus();
    let (before, pods) = (all_state(), [Netns::new(), Netns::new(), Netns::new()]);
    let here = conf(&json!([mark("one"), mark("two"), mark("three")]));
    let other = with(&conf(&json!([mark("one"), mark("two")])), &json!({"name": "other"}));
    multus.add(&here, "a", "eth0", pods[0].path()).expect_ok();
    multus.add(&here, "b", "eth0", pods[1].path()).expect_ok();
    multus.add(&other, "c", "eth0", pods[2].path()).expect_ok();
    let all = all_state();
    // All are valid, or nothing is said about it.
    multus.gc(&valid(&here, &["a", "b"])).expect_ok();
    assert_eq!(all_state(), all);
    multus.gc(&here).expect_ok();
    assert_eq!(all_state(), all);
    // One of ours is gone; the other configuration's is not this call's matter.
    multus.gc(&valid(&here, &["a"])).expect_ok();
    assert_eq!(
        listing(format!("{MARKER}/marks")),
        [
            "net-one:a:eth0",
            "net-one:c:eth0",
            "net-three:a:net2",
            "net-two:a:net1",
            "net-two:c:net1"
        ]
    );
    multus.gc(&nothing_valid(&here)).expect_ok();
    assert_eq!(listing(format!("{MARKER}/marks")), ["net-one:c:eth0", "net-two:c:net1"]);
    multus.gc(&nothing_valid(&other)).expect_ok();
    assert_eq!(all_state(), before);
}

#[test]
fn gc_collects_what_lost_its_record_but_not_what_the_tool_attached() {
    let (multus, _marker, _turn) = multus();
    let (before, pod) = (all_state(), Netns::new());
    let conf = conf(&json!([mark("one"), mark("two")]));
    multus.add(&conf, "a", "eth0", pod.path()).expect_ok();
    fs::remove_dir_all("/var/lib/fastpath/multus-lite").unwrap();
    // As `fastpath attach` remembers it.
    let cached = json!({"kind": "cniCacheV1", "containerId": "tool", "ifName": "net0", "networkName": "net-two",
        "config": "eyJjbmlWZXJzaW9uIjoiMS4xLjAiLCJuYW1lIjoibmV0LXR3byIsInR5cGUiOiJ0d28ifQ=="});
    fs::create_dir_all("/var/lib/cni/results").unwrap();
    fs::write("/var/lib/cni/results/net-two-tool-net0", cached.to_string()).unwrap();
    fs::write(format!("{MARKER}/marks/net-two:tool:net0"), "").unwrap();
    multus.gc(&nothing_valid(&conf)).expect_ok();
    assert_eq!(listing(format!("{MARKER}/marks")), ["net-two:tool:net0"]);
    fs::remove_file("/var/lib/cni/results/net-two-tool-net0").unwrap();
    multus.gc(&nothing_valid(&conf)).expect_ok();
    assert_eq!(all_state(), before);
}

#[test]
fn gc_takes_nothing_from_networks_while_a_record_cannot_be_read() {
    let (multus, _marker, _turn) = multus();
    let (before, pod) = (all_state(), Netns::new());
    let conf = conf(&json!([mark("one"), mark("two")]));
    multus.add(&conf, "a", "eth0", pod.path()).expect_ok();
    let record = "/var/lib/fastpath/multus-lite/@a:eth0.json";
    let kept = fs::read(record).unwrap();
    // A newer release's; and one that is damaged though its pod lives.
    for (unread, conf) in [(r#"{"version":99}"#, nothing_valid(&conf)), ("{", valid(&conf, &["a"]))]
    {
        fs::write(record, unread).unwrap();
        multus.gc(&conf).expect_error(5);
        assert_eq!(listing(format!("{MARKER}/marks")), ["net-one:a:eth0", "net-two:a:net1"]);
    }
    fs::write(record, kept).unwrap();
    multus.gc(&nothing_valid(&conf)).expect_ok();
    assert_eq!(all_state(), before);
}

#[test]
fn gc_goes_on_after_a_failure_and_says_so() {
    let (multus, marker, _turn) = multus();
    let (before, pod) = (all_state(), Netns::new());
    let conf = conf(&json!([mark("one"), mark("two")]));
    multus.add(&conf, "a", "eth0", pod.path()).expect_ok();
    let fails = (marker.failing("two DEL"), marker.failing("two GC"));
    let (msg, _) = multus.gc(&nothing_valid(&conf)).expect_error(123);
    assert!(msg.contains("2 failures"), "{msg}");
    assert_eq!(listing(format!("{MARKER}/marks")), ["net-two:a:net1"]);
    drop(fails);
    multus.gc(&nothing_valid(&conf)).expect_ok();
    assert_eq!(all_state(), before);
}

#[test]
fn three_delegates_killed_anywhere() {
    let (multus, _marker, _turn) = multus();
    let pod = Netns::new();
    let conf = conf(&json!([
        vf(VF0, "vf0", &json!({"l2enable": false, "ipam": {"type": "testipam"}})),
        vf(VF1, "vf1", &json!({"if0name": "if1"})),
        mark("one")
    ]));
    for report in integration::kill_add_and_del(
        "three delegates",
        &multus,
        &conf,
        pod.path(),
        |_| true,
        all_state,
    ) {
        report.assert_clean();
    }
}
