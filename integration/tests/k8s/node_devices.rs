//! Devices of networks: those that this node's kubelet gave the pod.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use serde_json::{Value, json};
use testkit::device_plugin::{DevicePlugin, KUBELET_DIR};
use testkit::k8s::{Cluster, NODE_NAME, Node, busybox_pod};
use testkit::wait::eventually;

use crate::bed::{self, LOG};
use crate::node_marker as marker;
use crate::node_state::{SOON, define, delete, state};

const RESOURCE: &str = "fastpath.dev/test";
const VARIABLE: &str = "PCIDEVICE_FASTPATH_DEV_TEST";
const IDS: [&str; 4] = ["0000:03:02.0", "0000:03:02.1", "0000:03:02.2", "0000:03:02.3"];

/// Sees to it that the node has the devices.
pub(crate) fn serve(cluster: &Cluster) {
    static PLUGIN: OnceLock<DevicePlugin> = OnceLock::new();
    PLUGIN.get_or_init(|| DevicePlugin::serve(RESOURCE, &IDS, Path::new(KUBELET_DIR)));
    eventually(SOON, "the node to have the devices", || {
        let node = cluster.get(&["node", NODE_NAME]);
        node["status"]["allocatable"][RESOURCE] == IDS.len().to_string().as_str()
    });
}

/// A network, or several alike, each of which attaches a device of this resource.
pub(crate) fn define_marked(cluster: &Cluster, names: &[&str], resource: &str) {
    for name in names {
        let annotations = json!({"k8s.v1.cni.cncf.io/resourceName": resource});
        let config = json!({"cniVersion": "1.1.0", "name": name, "type": "marker"});
        define(cluster, name, &annotations, &config);
    }
}

/// A pod with these networks; each of its containers requests one device.
pub(crate) fn pod(name: &str, networks: &str, containers: &[&str]) -> Value {
    let mut pod = busybox_pod("default", name, &json!({"k8s.v1.cni.cncf.io/networks": networks}));
    let template = pod["spec"]["containers"][0].take();
    let containers = containers.iter().map(|container| {
        let limits = json!({"limits": {RESOURCE: "1"}});
        integration::with(&template, &json!({"name": container, "resources": limits}))
    });
    pod["spec"]["containers"] = containers.collect();
    pod
}

/// The device that a network of a pod attaches.
fn device(node: &Node<'_>, pod: &str, network: &str, ifname: &str) -> String {
    marker::device(network, &node.sandboxes("default", pod)[0], ifname)
}

#[test]
fn each_network_gets_a_device_that_kubelet_gave_the_pod() {
    let (cluster, node) = (bed::cluster(), bed::node());
    let before = state(&node);
    serve(cluster);
    define_marked(cluster, &["left", "right"], RESOURCE);
    let names = ["first", "second"];
    for name in names {
        // Not in the order of their names.
        cluster.apply(&pod(name, "left, right", &["zulu", "alpha"]));
    }
    let mut given = BTreeSet::new();
    for name in names {
        cluster.wait_pod_running("default", name);
        let devices = [device(&node, name, "left", "net1"), device(&node, name, "right", "net2")];
        let of_container = |container| {
            let print = format!("echo ${VARIABLE}");
            let print = ["exec", name, "-c", container, "--", "sh", "-c", &print];
            cluster.kubectl(&print).trim().to_owned()
        };
        assert_eq!(devices, ["zulu", "alpha"].map(of_container), "{name}");
        let uid = cluster.get(&["pod", name])["metadata"]["uid"].as_str().unwrap().to_owned();
        assert_eq!(devices, ["zulu", "alpha"].map(|container| allocated(&uid, container)));
        given.extend(devices);
        let asked = format!("devices of pod default/{name}, from PodResources v1 List:");
        let log = fs::read_to_string(LOG).unwrap();
        assert!(log.contains(&asked), "{log}");
    }
    assert_eq!(given, IDS.map(str::to_owned).into());
    delete(cluster, &node, &names, &before);
}

/// The device of a container, as kubelet remembers it.
fn allocated(uid: &str, container: &str) -> String {
    let file = Path::new(KUBELET_DIR).join("kubelet_internal_checkpoint");
    let checkpoint: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let mut entries = checkpoint["Data"]["PodDeviceEntries"].as_array().unwrap().iter();
    let entry = entries.find(|entry| entry["PodUID"] == uid && entry["ContainerName"] == container);
    let entry = entry.unwrap_or_else(|| panic!("{uid} {container}: {checkpoint:#}"));
    assert_eq!(entry["ResourceName"], RESOURCE);
    // By NUMA node.
    let ids = entry["DeviceIDs"].as_object().unwrap().values();
    let ids: Vec<&Value> = ids.flat_map(|ids| ids.as_array().unwrap()).collect();
    assert_eq!(ids.len(), 1, "{entry}");
    ids[0].as_str().unwrap().to_owned()
}

#[test]
fn a_pod_does_not_start_without_the_device_that_its_network_needs() {
    let (cluster, node) = (bed::cluster(), bed::node());
    let before = state(&node);
    serve(cluster);
    define_marked(cluster, &["left"], RESOURCE);
    define_marked(cluster, &["misspelt"], "fastpath.dev/tset");
    // The first of them is attached, and taken back, each time that kubelet tries.
    cluster.apply(&pod("without", "left, misspelt", &["main"]));
    eventually(SOON, "the event", || {
        let events = events(cluster, "without");
        let of = |reason: &str| events.iter().find(|(r, _)| r == reason).map(|(_, m)| m.clone());
        assert_eq!(of("Started"), None, "{events:#?}");
        let Some(message) = of("FailedCreatePodSandBox") else { return false };
        let all = ["default/misspelt", "fastpath.dev/tset", "default/without", RESOURCE];
        assert!(all.iter().all(|part| message.contains(part)), "{message}");
        assert!(message.contains(&format!("closest: {RESOURCE}")), "{message}");
        true
    });
    let status = &cluster.get(&["pod", "without"])["status"];
    let waiting = &status["containerStatuses"][0]["state"]["waiting"]["reason"];
    assert_eq!((&status["phase"], waiting), (&json!("Pending"), &json!("ContainerCreating")));
    delete(cluster, &node, &["without"], &before);
}

/// Reason and message of a pod's events.
fn events(cluster: &Cluster, pod: &str) -> Vec<(String, String)> {
    let selector = format!("--field-selector=involvedObject.name={pod}");
    let events = cluster.get(&["events", &selector]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let events = events["items"].as_array().into_iter().flatten();
    events.map(|event| (text(&event["reason"]), text(&event["message"]))).collect()
}
