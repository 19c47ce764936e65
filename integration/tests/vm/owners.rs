//! Who owns a VF: parallel ADDs, late DELs, pools.

use std::fs;
use std::thread;

use integration::listing;
use serde_json::json;
use testkit::netns::Netns;

use crate::bed::{VF0, VF1, conf, dpdk_conf, sriov, state};

#[test]
fn of_16_parallel_adds_exactly_7_get_a_vf() {
    let (sriov, before) = (sriov(), state());
    for conf in [
        dpdk_conf("vfio-pci"),
        json!({"cniVersion": "1.1.0", "name": "net", "type": "sriov", "if0": "eth0"}),
    ] {
        let pods: Vec<Netns> = (0..16).map(|_| Netns::new()).collect();
        let outputs: Vec<_> = thread::scope(|scope| {
            let calls: Vec<_> = pods
                .iter()
                .map(|pod| scope.spawn(|| sriov.add(&conf, pod.name(), "net1", pod.path())))
                .collect();
            calls.into_iter().map(|call| call.join().unwrap()).collect()
        });
        let (attached, refused): (Vec<_>, Vec<_>) = outputs.iter().partition(|o| o.code == 0);
        assert_eq!(attached.len(), 7);
        for output in refused {
            output.expect_error(11);
        }
        let mut vfs: Vec<_> =
            attached.iter().map(|o| o.expect_ok()["interfaces"][0]["pciID"].to_string()).collect();
        vfs.sort();
        vfs.dedup();
        assert_eq!(vfs.len(), 7, "every VF once: {vfs:?}");
        assert_eq!(listing(integration::RECORDS).len(), 7);
        for pod in &pods {
            sriov.del(&conf, pod.name(), "net1", pod.path()).expect_ok();
        }
        assert_eq!(state(), before);
    }
}

#[test]
fn a_late_del_does_not_touch_the_next_owner() {
    let (sriov, before) = (sriov(), state());
    let (old, new) = (Netns::new(), Netns::new());
    let conf = conf(&json!({"vlan": 5}));
    sriov.add(&conf, "old", "net1", old.path()).expect_ok();
    let (msg, _) = sriov.add(&conf, "new", "net1", new.path()).expect_error(11);
    assert!(msg.contains("old"), "{msg}");
    old.delete();
    sriov.add(&conf, "new", "net1", new.path()).expect_ok();
    let owned = testkit::witness::vf_table("eth0");
    sriov.del(&conf, "old", "net1", "").expect_ok();
    assert_eq!(testkit::witness::vf_table("eth0"), owned);
    assert_eq!(listing(integration::RECORDS), [format!("{VF0}@new:net1.json")]);
    sriov.del(&conf, "new", "net1", new.path()).expect_ok();
    assert_eq!(state(), before);
}

#[test]
fn a_mac_that_is_being_released_is_worth_another_try() {
    let (sriov, before) = (sriov(), state());
    let (old, new) = (Netns::new(), Netns::new());
    let mac = json!({"mac": "02:00:00:00:00:95"});
    let first = conf(&mac);
    let second = integration::with(&first, &json!({"deviceID": VF1}));
    sriov.add(&first, "old", "net1", old.path()).expect_ok();
    sriov.add(&second, "new", "net1", new.path()).expect_error(7);
    old.delete();
    sriov.add(&second, "new", "net1", new.path()).expect_error(11);
    sriov.del(&first, "old", "net1", "").expect_ok();
    sriov.add(&second, "new", "net1", new.path()).expect_ok();
    sriov.del(&second, "new", "net1", new.path()).expect_ok();
    assert_eq!(state(), before);
}

#[test]
fn the_allocator_leaves_pools_and_busy_vfs_alone() {
    let (sriov, before, pod) = (sriov(), state(), Netns::new());
    fs::create_dir_all("/var/lib/fastpath/pools").unwrap();
    fs::write("/var/lib/fastpath/pools/p.json", format!(r#"{{"devices":["{VF0}"]}}"#)).unwrap();
    let busy = listing(format!("/sys/bus/pci/devices/{VF1}/net")).remove(0);
    integration::run("ip", &["link", "set", &busy, "up"]);
    let conf = json!({"cniVersion": "1.1.0", "name": "net", "type": "sriov", "if0": "eth0"});
    let result = sriov.add(&conf, "a", "net1", pod.path()).expect_ok();
    assert_eq!(result["interfaces"][0]["pciID"], "0000:01:10.4");
    sriov.del(&conf, "a", "net1", pod.path()).expect_ok();
    fs::remove_file("/var/lib/fastpath/pools/p.json").unwrap();
    integration::run("ip", &["link", "set", &busy, "down"]);
    assert_eq!(state(), before);
}
