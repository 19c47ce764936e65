//! What goes wrong, and that nothing is left of it.

use std::thread;

use integration::{leftovers, listing, test_ipam, with};
use serde_json::json;
use testkit::netns::Netns;

use super::scene::{RECORDS, Scene, address, pings};

#[test]
fn what_cannot_be_is_refused_and_leaves_nothing() {
    let scene = Scene::new();
    let (first, second) = (Netns::new(), Netns::new());
    let taken = json!({"ips": ["10.10.0.21/24"], "mac": "02:0a:00:00:00:21"});
    scene.add(0, "first", &first, &taken).expect_ok();
    scene.ovn.nbctl(&["lsp-add", "blue", "foreign"]);
    scene.ovn.nbctl(&["lsp-set-addresses", "foreign", "02:0a:00:00:00:99 10.10.0.99"]);
    scene.ovn.nbctl(&["ls-add", "twice"]);
    scene.ovn.nbctl(&["--add-duplicate", "ls-add", "twice"]);
    let before = scene.state();

    let refused = |keys: &serde_json::Value, code: u64, said: &str| {
        let (msg, details) = scene.add(1, "second", &second, keys).expect_error(code);
        assert!(format!("{msg} {details}").contains(said), "{msg}: {details}");
        assert_eq!(scene.state(), before, "{said}");
        assert!(!second.ip(&["link"]).contains("net1"), "{said}");
    };
    let ip = json!({"ips": ["10.10.0.21/24"], "mac": "02:0a:00:00:00:22"});
    refused(&ip, 7, "10.10.0.21 belongs to logical port");
    let mac = json!({"ips": ["10.10.0.22/24"], "mac": "02:0A:00:00:00:21"});
    refused(&mac, 7, "02:0a:00:00:00:21 belongs to logical port");
    refused(&json!({"ips": ["10.10.0.99/24"]}), 7, "belongs to logical port foreign");
    refused(&json!({"switch": "nowhere"}), 7, "there is no logical switch nowhere");
    refused(&json!({"switch": "twice"}), 7, "several logical switches twice");
    refused(
        &json!({"switch": "twice", "nb": scene.chassis[1].ovsdb()}),
        7,
        "no database OVN_Northbound",
    );
    refused(&json!({"nb": "unix:/run/nobody.sock"}), 11, "/run/nobody.sock");
    // The same attachment again, and an interface that is there.
    scene.add(0, "first", &first, &taken).expect_error(7);
    let (msg, _) = scene.add(0, "other", &first, &json!({"dynamic": true})).expect_error(7);
    assert!(msg.contains("net1"), "{msg}");
    assert_eq!(scene.state(), before);
    // It still works.
    let result = scene.add(1, "second", &second, &json!({"dynamic": true})).expect_ok();
    assert!(pings(&first, &address(&result), 5));
}

#[test]
fn without_northd_an_address_does_not_come_and_nothing_is_left() {
    let mut scene = Scene::new();
    scene.ovn.stop_northd();
    let (before, pods) = (scene.state(), [Netns::new(), Netns::new()]);
    let dynamic = json!({"dynamic": true});
    let cases = [
        (&dynamic, "ovn-northd gave"),
        (&json!({"ips": ["10.10.0.5/24"]}), "no chassis has bound"),
    ];
    // Both wait in vain at the same time.
    let refused = thread::scope(|scope| {
        let add = |n: usize| {
            let (scene, pods) = (&scene, &pods);
            scope.spawn(move || scene.add(n, &format!("pod{n}"), &pods[n], cases[n].0))
        };
        [0, 1].map(add).map(|add| add.join().unwrap())
    });
    for (refused, (_, said)) in refused.iter().zip(cases) {
        let (msg, details) = refused.expect_error(130);
        assert!(format!("{msg} {details}").contains(said), "{msg}: {details}");
    }
    assert_eq!(scene.state(), before);
    scene.ovn.start_northd();
    scene.add(0, "pod0", &pods[0], &dynamic).expect_ok();
}

#[test]
fn a_database_that_is_away_at_del_leaves_the_record_for_gc() {
    let mut scene = Scene::new();
    let (pod, kept) = (Netns::new(), Netns::new());
    scene.add(0, "pod", &pod, &json!({"dynamic": true})).expect_ok();
    scene.add(0, "kept", &kept, &json!({"dynamic": true})).expect_ok();
    scene.ovn.stop_nb();
    scene.del(0, "pod", pod.path()).expect_error(11);
    // What could be taken back is.
    assert!(!pod.ip(&["link"]).contains("net1"));
    assert_eq!(scene.chassis[0].ports().len(), 1);
    scene.ovn.start_nb();
    let valid = json!({"cni.dev/valid-attachments": [{"containerID": "kept", "ifname": "net1"}]});
    let gc = with(&scene.conf(0, &json!({})), &valid);
    scene.plugin(0).gc(&gc).expect_ok();
    assert_eq!(scene.ovn.ports("blue").len(), 1);
    // Of records that were lost, too; not of another chassis.
    let elsewhere = Netns::new();
    scene.add(1, "elsewhere", &elsewhere, &json!({"dynamic": true})).expect_ok();
    std::fs::remove_dir_all("/var/lib/fastpath/ovn").unwrap();
    let nothing = with(&gc, &json!({"cni.dev/valid-attachments": []}));
    scene.plugin(0).gc(&nothing).expect_ok();
    assert_eq!((scene.ovn.ports("blue").len(), scene.chassis[1].ports().len()), (1, 1));
    let nothing = with(&scene.conf(1, &json!({})), &json!({"cni.dev/valid-attachments": []}));
    scene.plugin(1).gc(&nothing).expect_ok();
    assert!(scene.ovn.ports("blue").is_empty() && scene.chassis[1].ports().is_empty());
    drop((kept, elsewhere));
}

#[test]
fn a_pod_that_died_is_detached_and_check_tells_what_changed() {
    let scene = Scene::new();
    let (before, pod) = (scene.state(), Netns::new());
    let keys = json!({"dynamic": true});
    let result = scene.add(0, "pod", &pod, &keys).expect_ok();
    let port = result["interfaces"][0]["name"].as_str().unwrap().to_owned();
    let conf = with(&scene.conf(0, &keys), &json!({"prevResult": result}));
    let check = || scene.plugin(0).check(&conf, "pod", "net1", pod.path());
    check().expect_ok();
    pod.ip(&["addr", "flush", "dev", "net1"]);
    let (msg, _) = check().expect_error(100);
    assert!(msg.contains("net1 has lost the address"), "{msg}");
    scene.chassis[0].vsctl(&["del-port", "br-int", &port]);
    let (msg, _) = check().expect_error(100);
    assert!(msg.contains(&format!("there is no port {port}")), "{msg}");
    scene.ovn.nbctl(&["lsp-del", &port]);
    let (msg, _) = check().expect_error(100);
    assert!(msg.contains(&format!("there is no logical port {port}")), "{msg}");
    pod.delete();
    scene.del(0, "pod", "").expect_ok();
    assert_eq!(scene.state(), before);
}

/// As a power cut leaves it: the record is there, and empty.
#[test]
fn a_damaged_record_goes_with_its_del() {
    let (scene, pod) = (Scene::new(), Netns::new());
    let state = || scene.state() + &leftovers();
    let before = state();
    let limit = json!({"rate": 1_000_000});
    let keys = json!({"switch": "made", "createSwitch": {"subnet": "10.30.0.0/24"},
        "ingress": limit, "dhcp": {"cidr": "10.9.0.0/24"}, "ipam": {"type": "testipam"}});
    let (conf, plugin) = (scene.conf(0, &keys), scene.plugin(0).path(&test_ipam()));
    plugin.add(&conf, "pod", "net1", pod.path()).expect_ok();
    let record = format!("{RECORDS}/{}", listing(RECORDS)[0]);
    std::fs::write(record, "").unwrap();
    plugin.check(&conf, "pod", "net1", pod.path()).expect_error(5);
    plugin.del(&conf, "pod", "net1", pod.path()).expect_ok();
    assert!(!pod.ip(&["link"]).contains("net1"));
    assert_eq!(state(), before);
}

#[test]
fn fifty_at_once_are_all_attached_and_all_taken_back() {
    let scene = Scene::new();
    let before = scene.state();
    let pods: Vec<Netns> = (0..50).map(|_| Netns::new()).collect();
    thread::scope(|scope| {
        for (n, pod) in pods.iter().enumerate() {
            let (scene, keys) = (&scene, json!({"ips": [format!("10.10.0.{}/24", 100 + n)]}));
            scope.spawn(move || scene.add(n % 2, &format!("pod{n}"), pod, &keys).expect_ok());
        }
    });
    assert_eq!(scene.ovn.ports("blue").len(), 50);
    assert!(pings(&pods[0], "10.10.0.149", 5));
    thread::scope(|scope| {
        for (n, pod) in pods.iter().enumerate() {
            let scene = &scene;
            scope.spawn(move || scene.del(n % 2, &format!("pod{n}"), pod.path()).expect_ok());
        }
    });
    assert_eq!(scene.state(), before);
}
