//! A VF as network interface.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use integration::{listing, run, with};
use serde_json::json;
use testkit::netns::Netns;
use testkit::witness::{ip_json, sysfs, vf_table};

use crate::bed::{VF0, VF1, conf, sriov, state};

#[test]
fn every_option_that_igb_takes_is_set_and_restored() {
    let (sriov, before, pod) = (sriov(), state(), Netns::new());
    let conf = conf(&json!({
        "vlan": 100, "vlanQoS": 3, "mac": "02:00:00:00:00:99", "spoofchk": "off", "trust": "on",
        "max_tx_rate": 100, "mtu": 1400, "ipam": {"type": "testipam"},
    }));
    let result = sriov.add(&conf, "a", "net1", pod.path()).expect_ok();
    assert_eq!(
        result["interfaces"],
        json!([{"name": "net1", "mac": "02:00:00:00:00:99", "mtu": 1400, "sandbox": pod.path(), "pciID": VF0}])
    );
    assert_eq!(result["ips"][0]["address"], "10.9.0.2/24");

    let link = &ip_json(Some(pod.name()), &["addr", "show", "net1"])[0];
    assert_eq!(link["address"], "02:00:00:00:00:99");
    assert_eq!(link["mtu"], 1400);
    assert!(link["flags"].as_array().unwrap().contains(&json!("UP")));
    assert_eq!(link["addr_info"][0]["local"], "10.9.0.2");
    let routes = ip_json(Some(pod.name()), &["route", "show", "10.8.0.0/16"]);
    assert_eq!(routes[0]["gateway"], "10.9.0.1");
    let vf = &ip_json(None, &["link", "show", "eth0"])[0]["vfinfo_list"][0];
    assert_eq!(vf["address"], "02:00:00:00:00:99");
    assert_eq!((&vf["vlan_list"][0]["vlan"], &vf["vlan_list"][0]["qos"]), (&json!(100), &json!(3)));
    assert_eq!((&vf["spoofchk"], &vf["trust"]), (&json!(false), &json!(true)));
    assert_eq!(vf["rate"]["max_tx"], 100);

    sriov.check(&with(&conf, &json!({"prevResult": result})), "a", "net1", pod.path()).expect_ok();
    sriov.del(&conf, "a", "net1", pod.path()).expect_ok();
    assert_eq!(state(), before);
}

#[test]
fn what_igb_refuses_is_an_error_in_the_kernels_words_and_changes_nothing() {
    let (sriov, before, pod) = (sriov(), state(), Netns::new());
    for (keys, setting, kernel) in [
        (
            json!({"vlan": 10, "vlanProto": "802.1ad"}),
            "vlanProto 802.1ad",
            "Protocol not supported",
        ),
        (json!({"link_state": "enable"}), "link_state enable", "Operation not supported"),
        (json!({"min_tx_rate": 10, "max_tx_rate": 100}), "min_tx_rate 10", "Invalid argument"),
        // The settings before the refused one were accepted and have to go again.
        (
            json!({"mac": "02:00:00:00:00:98", "vlan": 7, "link_state": "disable"}),
            "link_state",
            "not supported",
        ),
    ] {
        let (msg, details) = sriov.add(&conf(&keys), "a", "net1", pod.path()).expect_error(103);
        assert!(msg.contains(setting), "{msg}");
        assert!(details.contains(kernel), "{details}");
        assert_eq!(state(), before, "{keys}");
    }
}

#[test]
fn refused_before_anything_is_touched() {
    let (sriov, before, pod) = (sriov(), state(), Netns::new());
    let sibling = ip_json(None, &["link", "show", "eth0"])[0]["vfinfo_list"][1]["address"].clone();
    for (keys, key) in [
        (json!({"vlan": 4095}), "vlan"),
        (json!({"vlan": 1, "vlanQoS": 8}), "vlanQoS"),
        (json!({"vlan": 1, "vlanProto": "q"}), "vlanProto"),
        (json!({"min_tx_rate": 2, "max_tx_rate": 1}), "min_tx_rate"),
        (json!({"spoofchk": "onn"}), "spoofchk"),
        (json!({"trust": "true"}), "trust"),
        (json!({"link_state": "down"}), "link_state"),
        (json!({"mac": "01:00:5e:00:00:01"}), "mac"),
        (json!({"mac": "00:00:00:00:00:00"}), "mac"),
        (json!({"mac": sibling}), "mac"),
        (json!({"if0": "eth0"}), "if0"),
        (json!({"deviceID": "0000:01:00.0"}), "deviceID"),
        (json!({"deviceID": "../../../etc"}), "deviceID"),
        (json!({"dpdk": {"dpdk_driver": "nvme"}}), "dpdk_driver"),
    ] {
        let (msg, details) = sriov.add(&conf(&keys), "a", "net1", pod.path()).expect_error(7);
        assert!(format!("{msg} {details}").contains(key), "{keys}: {msg} {details}");
    }
    pod.ip(&["link", "add", "net1", "type", "dummy"]);
    let (msg, _) = sriov.add(&conf(&json!({})), "a", "net1", pod.path()).expect_error(7);
    assert!(msg.contains("net1"), "{msg}");
    assert_eq!(state(), before);
}

#[test]
fn an_unknown_key_is_only_a_warning() {
    let (sriov, pod) = (sriov(), Netns::new());
    let conf = conf(&json!({"vlna": 5}));
    let output = sriov.add(&conf, "a", "net1", pod.path());
    output.expect_ok();
    assert!(output.stderr.contains("vlna"), "{}", output.stderr);
    sriov.del(&conf, "a", "net1", pod.path()).expect_ok();
}

#[test]
fn add_twice_del_twice_del_without_add() {
    let (sriov, before, pod) = (sriov(), state(), Netns::new());
    let conf = conf(&json!({"vlan": 5}));
    sriov.del(&conf, "a", "net1", pod.path()).expect_ok();
    sriov.add(&conf, "a", "net1", pod.path()).expect_ok();
    let once = state();
    sriov.add(&conf, "a", "net1", pod.path()).expect_error(7);
    assert_eq!(state(), once);
    sriov.del(&conf, "a", "net1", pod.path()).expect_ok();
    assert_eq!(state(), before);
    sriov.del(&conf, "a", "net1", pod.path()).expect_ok();
    assert_eq!(state(), before);
}

#[test]
fn a_vf_of_a_pod_that_died_gets_everything_back() {
    let (sriov, before, pod) = (sriov(), state(), Netns::new());
    let conf = conf(&json!({"vlan": 9, "mac": "02:00:00:00:00:97", "mtu": 1300, "trust": "on",
                            "spoofchk": "off", "max_tx_rate": 50}));
    sriov.add(&conf, "a", "net1", pod.path()).expect_ok();
    pod.delete();
    sriov.del(&conf, "a", "net1", "").expect_ok();
    assert_eq!(state(), before);
}

#[test]
fn its_own_name_was_taken_meanwhile() {
    let (sriov, before, pod) = (sriov(), state(), Netns::new());
    let conf = conf(&json!({}));
    let name = listing(format!("/sys/bus/pci/devices/{VF0}/net")).remove(0);
    sriov.add(&conf, "a", "net1", pod.path()).expect_ok();
    run("ip", &["link", "add", &name, "type", "dummy"]);
    sriov.del(&conf, "a", "net1", pod.path()).expect_ok();
    let now = listing(format!("/sys/bus/pci/devices/{VF0}/net")).remove(0);
    assert_ne!(now, name, "the VF is home, under another name");
    run("ip", &["link", "del", &name]);
    run("ip", &["link", "set", &now, "name", &name]);
    assert_eq!(state(), before);
}

#[test]
fn a_held_namespace_without_a_name_does_not_keep_the_vf() {
    let (sriov, before, pod) = (sriov(), state(), Netns::new());
    let conf = conf(&json!({"vlan": 9}));
    sriov.add(&conf, "a", "net1", pod.path()).expect_ok();
    let mut holder = pod.command("sleep").arg("60").spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(300));
    pod.delete();
    let output = sriov.del(&conf, "a", "net1", "");
    holder.kill().unwrap();
    holder.wait().unwrap();
    output.expect_ok();
    assert_eq!(state(), before);
}

#[test]
fn check_says_what_drifted() {
    let (sriov, before, pod) = (sriov(), state(), Netns::new());
    let conf = conf(&json!({"vlan": 5, "ipam": {"type": "testipam"}}));
    sriov.add(&conf, "a", "net1", pod.path()).expect_ok();
    let drift = || sriov.check(&conf, "a", "net1", pod.path()).expect_error(100).0;
    run("ip", &["link", "set", "eth0", "vf", "0", "vlan", "6"]);
    assert!(drift().contains("vlan 5"));
    run("ip", &["link", "set", "eth0", "vf", "0", "vlan", "5"]);
    pod.ip(&["addr", "flush", "dev", "net1"]);
    let text = drift();
    assert!(text.contains("10.9.0.2/24") && text.contains("10.8.0.0/16"), "{text}");
    pod.ip(&["link", "set", "net1", "mtu", "1300"]);
    assert!(drift().contains("MTU 1300"));
    pod.ip(&["link", "set", "net1", "down"]);
    assert!(drift().contains("is down"));
    sriov.del(&conf, "a", "net1", pod.path()).expect_ok();
    assert!(drift().contains("no record"));
    assert_eq!(state(), before);
}

#[test]
fn gc_collects_its_own_network_and_nothing_without_the_key() {
    let (sriov, before, pod) = (sriov(), state(), Netns::new());
    let (red, blue) =
        (conf(&json!({"name": "red"})), conf(&json!({"name": "blue", "deviceID": VF1})));
    sriov.add(&red, "a", "net1", pod.path()).expect_ok();
    sriov.add(&blue, "a", "net2", pod.path()).expect_ok();
    let both = state();
    sriov.gc(&red).expect_ok();
    let valid = json!({"cni.dev/valid-attachments": [{"containerID": "a", "ifname": "net1"}]});
    sriov.gc(&with(&red, &valid)).expect_ok();
    assert_eq!(state(), both);
    sriov.gc(&integration::nothing_valid(&red)).expect_ok();
    assert_eq!(listing(integration::RECORDS), [format!("{VF1}@a:net2.json")]);
    sriov.gc(&integration::nothing_valid(&blue)).expect_ok();
    assert_eq!(state(), before);
}

#[test]
fn status_fails_for_what_is_missing_only() {
    let sriov = sriov();
    let of = |keys| with(&json!({"cniVersion": "1.1.0", "name": "net", "type": "sriov"}), &keys);
    sriov.status(&of(json!({}))).expect_ok();
    sriov.status(&of(json!({"if0": "eth0", "dpdk": {"dpdk_driver": "vfio-pci"}}))).expect_ok();
    sriov.status(&of(json!({"if0": "nothere"}))).expect_error(50);
    sriov.status(&of(json!({"if0": "lo"}))).expect_error(50);
    sriov.status(&of(json!({"if0": "eth0", "dpdk": {"dpdk_driver": "igb_uio"}}))).expect_error(50);
}

#[test]
fn two_pods_on_a_vlan_reach_each_other() {
    let (sriov, before) = (sriov(), state());
    let (a, b) = (Netns::new(), Netns::new());
    let address = |host: u8| {
        json!({"type": "static", "addresses": [
            {"address": format!("10.7.0.{host}/24")}, {"address": format!("fd00:7::{host}/64")}]})
    };
    let left = conf(&json!({"cniVersion": "1.0.0", "vlan": 42, "ipam": address(1)}));
    let right = with(&left, &json!({"deviceID": "0000:02:10.0", "ipam": address(2)}));
    sriov.add(&left, "a", "net1", a.path()).expect_ok();
    sriov.add(&right, "b", "net1", b.path()).expect_ok();
    a.exec(&["ping", "-c", "3", "-i", "0.3", "-W", "5", "10.7.0.2"]);
    a.exec(&["ping", "-c", "3", "-i", "0.3", "-W", "5", "fd00:7::2"]);
    let shown = b.ip(&["-6", "addr", "show", "net1"]);
    assert!(!shown.contains("dadfailed"), "{shown}");
    sriov.del(&right, "b", "net1", b.path()).expect_ok();
    sriov.del(&left, "a", "net1", a.path()).expect_ok();
    assert_eq!(state(), before);
}

#[test]
fn new_addresses_are_announced() {
    let (sriov, before, pod) = (sriov(), state(), Netns::new());
    let conf = conf(&json!({"cniVersion": "1.0.0", "ipam": {"type": "static", "addresses": [
        {"address": "10.7.0.9/24"}, {"address": "fd00:7::9/64"}]}}));
    // Started before the interface is there: "any" sees what leaves through it later. Outgoing
    // frames only, since igb reflects a broadcast to its sender.
    let filter = "arp host 10.7.0.9 or (icmp6 and src host fd00:7::9 and ip6[40] == 136)";
    let tcpdump = ["-Q", "out", "-ni", "any", "-c", "2", "--immediate-mode", "-Z", "root", filter];
    let inside = ["20", "ip", "netns", "exec", pod.name(), "tcpdump"];
    let capture = spawn_when_ready("timeout", &[&inside[..], &tcpdump].concat(), "listening on");
    sriov.add(&conf, "a", "net1", pod.path()).expect_ok();
    let seen = capture.wait_with_output().unwrap();
    sriov.del(&conf, "a", "net1", pod.path()).expect_ok();
    let seen = String::from_utf8_lossy(&seen.stdout).into_owned();
    assert!(seen.contains("Request who-has 10.7.0.9"), "{seen}");
    assert!(seen.contains("neighbor advertisement, tgt is fd00:7::9"), "{seen}");
    assert_eq!(state(), before);
}

/// Starts a program and waits until its stderr says that it is ready.
#[expect(clippy::disallowed_methods, reason = "the witness has to run beside the plugin")]
fn spawn_when_ready(program: &str, args: &[&str], ready: &str) -> Child {
    let mut command = Command::new(program);
    command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains(ready) {
        assert_ne!(stderr.read_line(&mut said).unwrap(), 0, "{program} {args:?} ended: {said}");
    }
    // It may still have something to say when it ends.
    std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
    child
}

#[test]
fn the_device_info_file_is_written_and_removed() {
    let (sriov, pod) = (sriov(), Netns::new());
    let file = "/run/k8s.cni.cncf.io/devinfo/cni/net-a_net1";
    let conf = conf(&json!({"runtimeConfig": {"CNIDeviceInfoFile": file}}));
    sriov.add(&conf, "a", "net1", pod.path()).expect_ok();
    let info: serde_json::Value = serde_json::from_str(&sysfs(file)).unwrap();
    let pci = json!({"pci-address": VF0, "pf-pci-address": "0000:01:00.0"});
    assert_eq!(info, json!({"type": "pci", "version": "1.1.0", "pci": pci}));
    sriov.del(&conf, "a", "net1", pod.path()).expect_ok();
    assert!(!std::path::Path::new(file).exists());
}

#[test]
fn the_table_shows_what_the_tests_rely_on() {
    let _sriov = sriov();
    let table = vf_table("eth0");
    assert_eq!(table.lines().count(), 7, "{table}");
    assert!(table.lines().all(|line| line.contains("driver=igbvf")), "{table}");
}
