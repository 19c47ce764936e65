//! The programs of the node and of the cluster end and come back; what pods have stays, and goes
//! with them.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use serde_json::json;
use testkit::k8s::{Cluster, Node};
use testkit::wait::eventually;
use testkit::witness::ip_json;

use crate::bed;
use crate::node_marker::{hold, marks};
use crate::node_networks::{INTERFACES, address, three_networks};
use crate::node_state::{SOON, define, delete, expect_state, forget, of_container, state};

#[test]
fn pods_outlive_kubelet_and_containerd_and_go_when_they_are_deleted_meanwhile() {
    let (cluster, mut node) = (bed::cluster(), bed::node());
    let before = state(&node);
    for pod in ["stays", "goes"] {
        cluster.apply(&three_networks(cluster, pod));
        cluster.wait_pod_running("default", pod);
    }
    let (running, goes) = (state(&node), node.sandboxes("default", "goes").remove(0));

    node.kill_kubelet();
    cluster.kubectl(&["delete", "pod", "goes", "--wait=false"]);
    node.restart_containerd();
    assert_eq!(state(&node), running);
    has_addresses(cluster, &node, "stays");
    node.start_kubelet();
    eventually(SOON, "the other one to be detached", || of_container(&goes).is_empty());
    forget(cluster, &["goes"]);

    has_networks(cluster, &node, "stays");
    delete(cluster, &node, &["stays"], &before);
}

/// It still runs, with its three networks.
fn has_networks(cluster: &Cluster, node: &Node<'_>, pod: &str) {
    node.wait_ready();
    eventually(SOON, "the pod to answer", || {
        cluster.try_kubectl(&["exec", pod, "--", "true"]).is_ok()
    });
    let status = &cluster.get(&["pod", pod])["status"];
    assert_eq!(status["containerStatuses"][0]["restartCount"], 0);
    has_addresses(cluster, node, pod);
}

/// Its interfaces have the addresses that the cluster was told.
fn has_addresses(cluster: &Cluster, node: &Node<'_>, pod: &str) {
    let netns = node.netns("default", pod);
    for interface in INTERFACES {
        let shown = ip_json(Some(&netns), &["addr", "show", interface]);
        assert_eq!(shown[0]["addr_info"][0]["local"], address(cluster, pod, interface).as_str());
        assert_eq!(shown[0]["operstate"], "UP", "{shown:#}");
    }
}

#[test]
fn a_pod_that_is_attached_while_kubelet_dies_is_cleaned_up_in_the_end() {
    let (cluster, mut node) = (bed::cluster(), bed::node());
    let before = state(&node);
    let config = json!({"cniVersion": "1.1.0", "name": "slow", "type": "marker"});
    define(cluster, "slow", &json!({}), &config);
    let mut pod = three_networks(cluster, "dies");
    pod["metadata"]["annotations"] =
        json!({"k8s.v1.cni.cncf.io/networks": "storage, slow, video@cam"});

    let held = hold();
    cluster.apply(&pod);
    eventually(SOON, "the third network", || !marks().is_empty());
    let first = marks();
    node.kill_kubelet();
    // The runtime learns that nobody waits for its answer any more.
    sleep(Duration::from_secs(1));
    drop(held);
    node.start_kubelet();
    cluster.wait_pod_running("default", "dies");
    let second = marks();
    assert!(second.len() == 1, "first {first:?}, then {second:?}\n{}", state(&node));
    delete(cluster, &node, &["dies"], &before);

    // Once more, and this time it is deleted before kubelet is back.
    let held = hold();
    cluster.apply(&pod);
    eventually(SOON, "the third network", || !marks().is_empty());
    node.kill_kubelet();
    cluster.kubectl(&["delete", "pod", "dies", "--wait=false"]);
    drop(held);
    node.start_kubelet();
    expect_state(&node, &before);
    forget(cluster, &["dies"]);
}

#[test]
fn a_pod_is_detached_without_the_api_server() {
    let (cluster, node) = (bed::cluster(), bed::node());
    let before = state(&node);
    let mut pod = three_networks(cluster, "alone");
    pod["spec"]["terminationGracePeriodSeconds"] = json!(3);
    pod["spec"]["containers"][0]["command"] =
        json!(["sh", "-c", "trap 'echo asked to end' TERM; while :; do sleep 0.1; done"]);
    cluster.apply(&pod);
    cluster.wait_pod_running("default", "alone");
    let uid = cluster.get(&["pod", "alone"])["metadata"]["uid"].as_str().unwrap().to_owned();
    let log = format!("/var/log/pods/default_alone_{uid}/main/0.log");

    cluster.kubectl(&["delete", "pod", "alone", "--wait=false"]);
    eventually(SOON, "kubelet to end the container", || {
        fs::read_to_string(&log).unwrap().contains("asked to end")
    });
    cluster.stop_api();
    eventually(SOON, "the networks to be detached", || {
        let now = state(&node);
        ["namespaces", "records", "leases", "ports"].iter().all(|kind| {
            let of =
                |state: &str| state.lines().find(|line| line.starts_with(kind)).unwrap().to_owned();
            of(&now) == of(&before)
        })
    });
    cluster.start_api();
    expect_state(&node, &before);
    forget(cluster, &["alone"]);
}
