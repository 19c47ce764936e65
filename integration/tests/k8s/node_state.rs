//! Networks that the tests define, and what attachments to them leave on the node.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use integration::listing;
use serde_json::{Value, json};
use testkit::k8s::{Cluster, Node};
use testkit::witness::ip_json;

use crate::bed::BRIDGE;
use crate::node_marker as marker;

/// How long what happens by itself may take.
pub(crate) const SOON: Duration = Duration::from_mins(1);
/// Where multus-lite keeps its records.
pub(crate) const RECORDS: &str = "/var/lib/fastpath/multus-lite";
/// The networks of [`define_bridges`], the default one first; each has a bridge.
pub(crate) const NETWORKS: [(&str, &str); 3] =
    [("default", BRIDGE), ("storage", "cni1"), ("video", "cni2")];

/// Makes a network that pods can ask for.
pub(crate) fn define(cluster: &Cluster, name: &str, annotations: &Value, config: &Value) {
    cluster.apply(&json!({
        "apiVersion": "k8s.cni.cncf.io/v1",
        "kind": "NetworkAttachmentDefinition",
        "metadata": {"name": name, "namespace": "default", "annotations": annotations},
        "spec": {"config": config.to_string()},
    }));
}

/// Makes two further bridges with addresses of their own: `storage` and `video`.
pub(crate) fn define_bridges(cluster: &Cluster) {
    for (index, (name, bridge)) in NETWORKS.iter().enumerate().skip(1) {
        let subnet = format!("10.88.{index}.0/24");
        let ipam = json!({"type": "host-local", "ranges": [[{"subnet": subnet}]]});
        let config = json!({
            "cniVersion": "1.0.0", "name": name, "type": "bridge", "bridge": bridge, "ipam": ipam,
        });
        define(cluster, name, &json!({}), &config);
    }
}

/// Everything that pods have on this node, a line for each kind; namespaces, records and so on of
/// anything but a pod's sandbox are other tests'. Sandboxes that have ended do not count: kubelet
/// removes them at once or within a minute, and calls DEL once more.
pub(crate) fn state(node: &Node<'_>) -> String {
    let of_sandboxes = |dir: &str| -> Vec<String> {
        listing(dir).into_iter().filter(|name| sandbox_in(name).is_some()).collect()
    };
    let leases = NETWORKS.map(|(network, _)| leases(network));
    let namespaces: Vec<String> =
        listing("/run/netns").into_iter().filter(|name| name.starts_with("cni-")).collect();
    [
        format!("tasks {:?}", sorted(&node.ctr(&["tasks", "list", "--quiet"]))),
        format!("namespaces {namespaces:?}"),
        format!("records {:?}", of_sandboxes(RECORDS)),
        format!("results {:?}", of_sandboxes("/var/lib/cni/results")),
        format!("device information {:?}", listing("/run/k8s.cni.cncf.io/devinfo/cni")),
        format!("leases {leases:?}"),
        format!("ports {:?}", ports()),
        format!("marks {:?}", marker::marks()),
    ]
    .join("\n")
}

/// Deletes pods and waits until all is as it was before them. What the API server still knows of
/// them then is dropped: kubelet confirms it late, with the removal of the sandbox.
#[track_caller]
pub(crate) fn delete(cluster: &Cluster, node: &Node<'_>, pods: &[&str], before: &str) {
    cluster.kubectl(&[&["delete", "pod", "--wait=false"], pods].concat());
    expect_state(node, before);
    forget(cluster, pods);
}

/// Drops pods from the API server whose node has nothing of them any more.
pub(crate) fn forget(cluster: &Cluster, pods: &[&str]) {
    let forced = ["delete", "pod", "--force", "--grace-period=0", "--ignore-not-found"];
    cluster.kubectl(&[&forced[..], pods].concat());
}

/// Waits until all is as it was.
#[track_caller]
pub(crate) fn expect_state(node: &Node<'_>, before: &str) {
    let start = Instant::now();
    loop {
        let now = state(node);
        if now == before {
            return;
        }
        assert!(start.elapsed() < SOON, "before:\n{before}\nnow:\n{now}\n{}", node.tails());
        sleep(Duration::from_millis(100));
    }
}

/// The addresses that a network has given.
pub(crate) fn leases(network: &str) -> Vec<String> {
    let files = listing(format!("/var/lib/cni/networks/{network}"));
    files.into_iter().filter(|name| name.starts_with("10.")).collect()
}

/// What a container's attachments have on disk; not what its runtime remembers of it.
pub(crate) fn of_container(id: &str) -> Vec<String> {
    let networks = Path::new("/var/lib/cni/networks");
    let mut files: Vec<String> = Vec::new();
    for network in listing(networks) {
        for lease in listing(networks.join(&network)) {
            let holder = fs::read_to_string(networks.join(&network).join(&lease));
            if holder.unwrap_or_default().contains(id) {
                files.push(format!("{network}/{lease}"));
            }
        }
    }
    let named = [listing(RECORDS), marker::marks()].concat();
    files.extend(named.into_iter().filter(|name| name.contains(id)));
    files
}

/// What is plugged into the bridges, as `bridge/interface`.
pub(crate) fn ports() -> Vec<String> {
    let links = ip_json(None, &["link", "show"]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let ports = links.as_array().unwrap().iter();
    let ports = ports.map(|link| (text(&link["master"]), text(&link["ifname"])));
    let ours = ports.filter(|(master, _)| NETWORKS.iter().any(|(_, bridge)| bridge == master));
    let mut ports: Vec<String> = ours.map(|(master, name)| format!("{master}/{name}")).collect();
    ports.sort();
    ports
}

/// The id of a sandbox in a file's name.
fn sandbox_in(name: &str) -> Option<&str> {
    name.split(['@', ':', '-', '_'])
        .find(|part| part.len() == 64 && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn sorted(lines: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = lines.lines().collect();
    lines.sort_unstable();
    lines
}
