//! GC, which this node's runtime does not call: as `fastpath gc` does, and as newer runtimes do.

use std::fs;

use integration::with;
use serde_json::{Value, json};
use testkit::cni::{Plugin, bin_dir};
use testkit::k8s::Node;
use testkit::netns::Netns;
use testkit::witness::ip_json;

use crate::bed;
use crate::node_networks::three_networks;
use crate::node_state::{define, delete, of_container, state};

/// A configuration of our own, without Kubernetes.
pub(crate) fn own_network() -> Value {
    json!({
        "cniVersion": "1.1.0",
        "name": "own",
        "type": "multus-lite",
        "delegates": [
            {
                "cniVersion": "1.0.0",
                "name": "own-lan",
                "type": "bridge",
                "bridge": "own0",
                "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.89.0.0/24"}]]},
            },
            {"name": "own-mark", "type": "marker"},
        ],
    })
}

#[test]
fn the_tool_collects_the_attachments_of_the_namespace_that_is_gone() {
    let (cluster, node) = (bed::cluster(), bed::node());
    let before = state(&node);
    cluster.apply(&three_networks(cluster, "beside"));
    cluster.wait_pod_running("default", "beside");
    let with_pod = state(&node);

    let file = "/run/own-network.conf";
    fs::write(file, own_network().to_string()).unwrap();
    let [kept, lost] = [Netns::new(), Netns::new()];
    for (id, netns) in [("own-kept", &kept), ("own-lost", &lost)] {
        let interface = format!("eth0={file}");
        fastpath(&["attach", "--netns", netns.path(), "--id", id, &interface]);
        assert_eq!(of_container(id).len(), 3, "{:?}", of_container(id));
    }
    let all = [of_container("own-kept"), of_container("own-lost")];
    let addresses = ip_json(Some(kept.name()), &["addr"]);
    fastpath(&["gc", file]);
    assert_eq!([of_container("own-kept"), of_container("own-lost")], all);

    lost.delete();
    fastpath(&["gc", file]);
    assert_eq!(of_container("own-kept"), all[0]);
    assert_eq!(of_container("own-lost"), [""; 0]);
    assert_eq!(ip_json(Some(kept.name()), &["addr"]), addresses);
    fastpath(&["detach", "--id", "own-kept"]);
    assert_eq!(of_container("own-kept"), [""; 0]);
    assert_eq!(state(&node), with_pod);
    delete(cluster, &node, &["beside"], &before);
}

fn fastpath(args: &[&str]) {
    let path = bed::cni_path().map(|dir| dir.display().to_string()).join(":");
    let program = bin_dir().join("fastpath").display().to_string();
    integration::run(&program, &[args, &["--cni-path", &path]].concat());
}

#[test]
fn gc_takes_back_the_sandbox_that_the_runtime_leaves_out_and_nothing_else() {
    let (cluster, node) = (bed::cluster(), bed::node());
    let before = state(&node);
    let config = json!({"cniVersion": "1.1.0", "name": "collected", "type": "marker"});
    define(cluster, "collected", &json!({}), &config);
    let pods = ["kept", "lost"];
    let wants = json!({"k8s.v1.cni.cncf.io/networks": "storage, collected, video@cam"});
    for pod in pods {
        cluster.apply(&with(
            &three_networks(cluster, pod),
            &json!({"metadata": {"name": pod, "namespace": "default", "annotations": wants}}),
        ));
    }
    let [kept, lost] = pods.map(|pod| {
        cluster.wait_pod_running("default", pod);
        node.sandboxes("default", pod).remove(0)
    });
    let multus = bed::cni_path()
        .iter()
        .fold(Plugin::new("multus-lite"), |plugin, dir| plugin.path(&dir.display().to_string()));

    let running = (state(&node), pods.map(|pod| inside(&node, pod)));
    multus.gc(&request(&[&kept, &lost])).expect_ok();
    assert_eq!((state(&node), pods.map(|pod| inside(&node, pod))), running);

    let of_kept = of_container(&kept);
    assert_eq!(of_container(&lost).len(), 5, "{:?}", of_container(&lost));
    multus.gc(&request(&[&kept])).expect_ok();
    assert_eq!((of_container(&kept), inside(&node, "kept")), (of_kept, running.1[0].clone()));
    assert_eq!(of_container(&lost), [""; 0]);
    let links = ip_json(Some(&node.netns("default", "lost")), &["link"]);
    assert_eq!((links.as_array().unwrap().len(), &links[0]["ifname"]), (1, &json!("lo")));

    delete(cluster, &node, &pods, &before);
}

/// The node's configuration with the sandboxes that are valid, under both of the keys that the Go
/// library sends. A list of CNI 1.1.0, the first version with GC.
fn request(sandboxes: &[&str]) -> Value {
    let valid = sandboxes.iter().map(|id| json!({"containerID": id, "ifname": "eth0"}));
    let valid: Value = valid.collect();
    with(
        &bed::conf(),
        &json!({
            "cniVersion": "1.1.0",
            "cni.dev/attachments": valid,
            "cni.dev/valid-attachments": valid,
        }),
    )
}

/// Interfaces, addresses and routes of a pod.
fn inside(node: &Node<'_>, pod: &str) -> Value {
    let netns = node.netns("default", pod);
    json!([ip_json(Some(&netns), &["addr"]), ip_json(Some(&netns), &["route"])])
}
