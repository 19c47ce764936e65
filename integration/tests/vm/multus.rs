//! multus-lite with real VFs and Debian's plugins: the pods of its examples.

use std::fs;
use std::time::Duration;

use integration::{examples, nothing_valid, with};
use serde_json::{Value, json};
use testkit::cni::Plugin;
use testkit::netns::Netns;
use testkit::wait::eventually;
use testkit::witness::ip_json;

use crate::bed::{VF0, VF1, driver, multus, multus_state};

/// The interfaces of a pod, `lo` apart, sorted.
fn interfaces(pod: &Netns) -> Vec<String> {
    let links = ip_json(Some(pod.name()), &["link", "show"]);
    let names = links.as_array().unwrap().iter().map(|l| l["ifname"].as_str().unwrap().to_owned());
    let mut names: Vec<_> = names.filter(|name| name != "lo").collect();
    names.sort();
    names
}

fn address(pod: &Netns, ifname: &str) -> String {
    let addresses = &ip_json(Some(pod.name()), &["-4", "addr", "show", ifname])[0]["addr_info"];
    addresses[0]["local"].as_str().unwrap().to_owned()
}

fn ping(from: &Netns, to: &str) {
    from.exec(&["ping", "-q", "-c", "3", "-i", "0.2", "-w", "10", to]);
}

/// The thesis' pod, attached; what it is was looked at.
fn thesis_pod(multus: &Plugin, pod: &Netns) -> Value {
    let conf = examples::read("multus-lite/thesis.conf");
    let result = multus.add(&conf, "a", "eth0", pod.path()).expect_ok();
    assert_eq!(interfaces(pod), ["eth0"]);
    assert_eq!([driver(VF0), driver(VF1)], ["vfio-pci", "vfio-pci"]);
    let given = result["ips"][0]["address"].as_str().unwrap();
    assert_eq!(given, format!("{}/24", address(pod, "eth0")));
    conf
}

#[test]
fn the_pod_of_the_thesis_has_its_default_network_and_two_vfs_for_dpdk() {
    let (multus, before, pod) = (multus(), multus_state(), Netns::new());
    let conf = thesis_pod(&multus, &pod);
    // What the bridge plugin made: the gateway is the host.
    let gateway = &ip_json(Some(pod.name()), &["route", "show", "default"])[0]["gateway"];
    ping(&pod, gateway.as_str().unwrap());
    let state = multus_state();
    for record in [format!("{VF0}@a:if0.json"), format!("{VF1}@a:if1.json"), "@a:eth0.json".into()]
    {
        assert!(state.contains(&record), "{record}: {state}");
    }
    multus.check(&conf, "a", "eth0", pod.path()).expect_ok();
    // CHECK looks at every attachment, also where there is no interface to look at.
    fs::write("/sys/bus/pci/drivers/vfio-pci/unbind", VF1).unwrap();
    let (msg, details) = multus.check(&conf, "a", "eth0", pod.path()).expect_error(100);
    assert!(format!("{msg} {details}").contains("if1"), "{msg} {details}");
    fs::write("/sys/bus/pci/drivers_probe", VF1).unwrap();
    multus.check(&conf, "a", "eth0", pod.path()).expect_ok();

    multus.del(&conf, "a", "eth0", pod.path()).expect_ok();
    assert!(interfaces(&pod).is_empty());
    assert_eq!(multus_state(), before);
    multus.del(&conf, "a", "eth0", pod.path()).expect_ok();
    assert_eq!(multus_state(), before);
}

#[test]
fn the_pod_of_the_thesis_is_taken_back_after_its_namespace_died() {
    let (multus, before, pod) = (multus(), multus_state(), Netns::new());
    let conf = thesis_pod(&multus, &pod);
    pod.delete();
    multus.del(&conf, "a", "eth0", "").expect_ok();
    assert_eq!(multus_state(), before);
}

#[test]
fn gc_takes_the_pod_of_the_thesis_back_and_leaves_its_neighbour() {
    let (multus, before) = (multus(), multus_state());
    let (pod, neighbour) = (Netns::new(), Netns::new());
    // Both have an address of the same default network.
    let other = examples::read("multus-lite/kernel.conf");
    multus.add(&other, "b", "eth0", neighbour.path()).expect_ok();
    let alone = multus_state();
    let conf = thesis_pod(&multus, &pod);
    let both = multus_state();

    let valid = json!([{"containerID": "a", "ifname": "eth0"}]);
    multus.gc(&with(&conf, &json!({ "cni.dev/valid-attachments": valid }))).expect_ok();
    assert_eq!(multus_state(), both);
    pod.delete();
    multus.gc(&nothing_valid(&conf)).expect_ok();
    assert_eq!(multus_state(), alone);
    ping(&neighbour, "10.60.0.1");
    multus.del(&other, "b", "eth0", neighbour.path()).expect_ok();
    assert_eq!(multus_state(), before);
}

#[test]
fn one_vf_too_few_and_nothing_is_attached() {
    let (multus, before, pod) = (multus(), multus_state(), Netns::new());
    let mut conf = examples::read("multus-lite/kernel.conf");
    // eth1 has three.
    for name in ["third", "fourth"] {
        let one = with(&conf["delegates"][2], &json!({"name": name}));
        conf["delegates"].as_array_mut().unwrap().push(one);
    }
    let (msg, details) = multus.add(&conf, "a", "eth0", pod.path()).expect_error(11);
    assert!(msg.contains("no free VF") && details.contains("net4"), "{msg} {details}");
    assert!(interfaces(&pod).is_empty());
    assert_eq!(multus_state(), before);
}

#[test]
fn two_pods_reach_each_other_over_every_network() {
    let (multus, before) = (multus(), multus_state());
    let (red, blue) = (Netns::new(), Netns::new());
    let here = examples::read("multus-lite/kernel.conf");
    // At the other end of the cable, so that frames leave the card.
    let mut there = here.clone();
    for delegate in &mut there["delegates"].as_array_mut().unwrap()[1..] {
        delegate["if0"] = json!("eth0");
    }
    let pods = [("red", &red, &here), ("blue", &blue, &there)];
    for (id, pod, conf) in pods {
        multus.add(conf, id, "eth0", pod.path()).expect_ok();
        assert_eq!(interfaces(pod), ["eth0", "net1", "net2"]);
    }
    for ifname in ["net1", "net2"] {
        for (_, pod, _) in pods {
            eventually(Duration::from_secs(20), "the VF has link", || {
                ip_json(Some(pod.name()), &["link", "show", ifname])[0]["operstate"] == "UP"
            });
        }
    }
    for ifname in ["eth0", "net1", "net2"] {
        ping(&red, &address(&blue, ifname));
        ping(&blue, &address(&red, ifname));
    }
    for (id, pod, conf) in pods {
        multus.check(conf, id, "eth0", pod.path()).expect_ok();
        multus.del(conf, id, "eth0", pod.path()).expect_ok();
    }
    assert_eq!(multus_state(), before);
}
