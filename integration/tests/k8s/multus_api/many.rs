//! Many pods at once, and what one costs the API server.

use std::thread;

use integration::with;
use serde_json::{Value, json};
use testkit::k8s::busybox_pod;

use super::scene::{NETWORKS, Scene, bridge, host_local, mark, parent};

const PODS: usize = 10;

#[test]
fn ten_pods_with_three_networks_at_once() {
    parent("fpmany-m");
    let macvlan = json!({"cniVersion": "1.0.0", "type": "macvlan", "master": "fpmany-m",
                         "name": "many-lan", "ipam": host_local(182)});
    let storage = with(&bridge("fpmany1", 181), &json!({"name": "many-storage"}));
    let scene =
        Scene::new("many", &[("storage", storage), ("lan", macvlan), ("mark", mark("two"))]);
    let default = with(&bridge("fpmany0", 180), &json!({"name": "many-default"}));
    let conf = scene.conf(&json!({ "delegates": [default] }));
    let objects: Vec<_> = (0..PODS)
        .map(|number| {
            let networks = json!({NETWORKS: "storage,lan@lan,mark"});
            busybox_pod("many", &format!("pod-{number}"), &networks)
        })
        .collect();
    let pods = scene.create_all(&objects);
    thread::scope(|scope| {
        let adding: Vec<_> = pods.iter().map(|pod| scope.spawn(|| pod.add(&conf))).collect();
        for result in adding {
            result.join().unwrap().expect_ok();
        }
    });
    let all = scene.api.get(&["pods", "-n", "many"]);
    let mut addresses = Vec::new();
    for pod in &pods {
        let mut items = all["items"].as_array().unwrap().iter();
        let object = items.find(|object| object["metadata"]["name"] == pod.name.as_str()).unwrap();
        let status = &object["metadata"]["annotations"]["k8s.v1.cni.cncf.io/network-status"];
        let status: Value = serde_json::from_str(status.as_str().unwrap()).unwrap();
        let names: Vec<_> = status.as_array().unwrap().iter().map(|entry| &entry["name"]).collect();
        assert_eq!(
            names,
            ["many-default", "many/storage", "many/lan", "many/mark"],
            "{}",
            pod.name
        );
        for (entry, interface) in ["eth0", "net1", "lan"].into_iter().enumerate() {
            let given = status[entry]["ips"][0].as_str().unwrap();
            assert_eq!(pod.addresses(interface), [format!("{given}/24")], "{}", pod.name);
            addresses.push(given.to_owned());
        }
    }
    addresses.sort();
    addresses.dedup();
    assert_eq!(addresses.len(), 3 * PODS, "{addresses:?}");
    thread::scope(|scope| {
        let deleting: Vec<_> = pods.iter().map(|pod| scope.spawn(|| pod.del(&conf))).collect();
        for result in deleting {
            result.join().unwrap().expect_ok();
        }
    });
    scene.assert_clean(&pods.iter().collect::<Vec<_>>());
}

#[test]
fn one_pod_asked_for_by_two_runtimes_at_once_is_attached_once() {
    let scene = Scene::new("once", &[("a", mark("two"))]);
    let conf = scene.conf(&json!({}));
    let pod = scene.pod("pod", "a,a");
    let outputs: Vec<_> = thread::scope(|scope| {
        let adding: Vec<_> = (0..4).map(|_| scope.spawn(|| pod.add(&conf))).collect();
        adding.into_iter().map(|add| add.join().unwrap()).collect()
    });
    let (attached, refused): (Vec<_>, Vec<_>) =
        outputs.into_iter().partition(|output| output.stdout.contains("interfaces"));
    assert_eq!((attached.len(), refused.len()), (1, 3));
    for output in refused {
        let (msg, _) = output.expect_error(7);
        assert!(msg.contains("attached already"), "{msg}");
    }
    assert_eq!(scene.marker.calls(), ["one ADD eth0", "two ADD net1", "two ADD net2"]);
    pod.del(&conf).expect_ok();
    scene.assert_clean(&[&pod]);
}

#[test]
fn a_pod_costs_a_request_for_itself_for_each_network_and_for_its_status() {
    let scene = Scene::new("cost", &[("a", mark("two")), ("b", mark("three"))]);
    let conf = scene.conf(&json!({}));
    let pod = scene.pod("pod", "a,b");
    let asked = || -> Vec<String> {
        let of_us = scene.api.requests().into_iter().filter(|request| {
            request.user.ends_with(":multus-lite") && request.uri.contains("/namespaces/cost/")
        });
        of_us.map(|request| format!("{} {}", request.verb, request.uri)).collect()
    };
    pod.add(&conf).expect_ok();
    let of_add = asked();
    assert!(of_add[0].contains("/pods/pod") && of_add[0].starts_with("get"), "{of_add:#?}");
    assert!(of_add.last().unwrap().starts_with("patch"), "{of_add:#?}");
    assert_eq!(of_add.len(), 4, "{of_add:#?}");
    pod.check(&conf).expect_ok();
    pod.del(&conf).expect_ok();
    assert_eq!(asked().len(), of_add.len(), "CHECK and DEL ask nothing");
    scene.assert_clean(&[&pod]);
}
