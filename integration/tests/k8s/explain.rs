//! `fastpath explain` and a real API server: a pod by its name, free devices from the pods that run, bands from
//! the `ConfigMap` that is shipped, and the rights that it needs. The Node objects have no kubelet.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::{Value, json};
use testkit::cni::bin_dir;
use testkit::k8s::Cluster;

use crate::bed;

const HOUR: Duration = Duration::from_hours(1);
const VF: &str = "fastpath.dev/vf";

/// More than the server gives in one answer.
const PLAIN_NODES: usize = 130;

/// A cluster of plain nodes, and some with two VFs.
fn cluster() -> Cluster {
    let api = bed::own_api();
    let mut nodes: Vec<Value> =
        (0..PLAIN_NODES).map(|nth| node(&format!("plain-{nth}"), &json!({}), 0)).collect();
    for (name, p99) in [("full", "20"), ("quick", "40"), ("slow", "4000")] {
        let labels = json!({"fastpath.dev/vf": "true", "fastpath.dev/vf-p99-us": p99});
        nodes.push(node(name, &labels, 2));
    }
    api.apply(&json!({"apiVersion": "v1", "kind": "List", "items": nodes}));
    api.kubectl(&["create", "namespace", "shop"]);
    api
}

fn node(name: &str, labels: &Value, vfs: u64) -> Value {
    let room = json!({VF: vfs.to_string()});
    json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels},
        "status": {"capacity": room, "allocatable": room},
    })
}

/// A pod as admission leaves it.
fn pod(name: &str, node: Option<&str>, vfs: u64) -> Value {
    let vfs = json!({VF: vfs.to_string()});
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name, "namespace": "shop",
            "annotations": {"latency": "2000", "fastpath.dev/path": "vf"},
        },
        "spec": {
            "nodeName": node,
            "containers": [{"name": "app", "image": "app", "resources": {"requests": vfs, "limits": vfs}}],
        },
    })
}

#[expect(clippy::disallowed_methods, reason = "runs the tool as a user does")]
fn explain(kubeconfig: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(bin_dir().join("fastpath"));
    command.arg("explain").args(arguments).arg("--kubeconfig").arg(kubeconfig).output().unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Kubeconfig of an account that may do this and no more.
fn account(api: &Cluster, rules: &Value) -> PathBuf {
    api.kubectl(&["-n", "shop", "create", "serviceaccount", "reader"]);
    let kind = |kind: &str| json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": "reader"}});
    let (mut role, mut binding) = (kind("ClusterRole"), kind("ClusterRoleBinding"));
    role["rules"] = rules.clone();
    binding["roleRef"] =
        json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "reader"});
    binding["subjects"] =
        json!([{"kind": "ServiceAccount", "namespace": "shop", "name": "reader"}]);
    api.apply(&role);
    api.apply(&binding);
    let token = api.service_account_token("shop", "reader", HOUR).token;
    api.kubeconfig_for(&api.token_file("reader", &token))
}

#[test]
fn a_pod_is_explained_by_what_the_cluster_says() {
    let api = cluster();
    for (name, node, vfs) in [
        ("holder", Some("full"), 2),
        ("done", Some("quick"), 2),
        ("web", Some("quick"), 1),
        ("large", None, 3),
    ] {
        api.apply(&pod(name, node, vfs));
    }
    let ended = json!({"status": {"phase": "Succeeded"}}).to_string();
    api.kubectl(&["-n", "shop", "patch", "pod", "done", "--subresource=status", "-p", &ended]);
    let admin = api.admin_kubeconfig();

    let output = explain(&admin, &["pod", "web", "-n", "shop"]);
    let text = stdout(&output);
    assert!(output.status.success(), "{text}");
    for line in [
        "pod shop/web: budget 2000 µs, path vf (stamped at its creation), wants 1 fastpath.dev/vf",
        "bands: the default ones: there is no ConfigMap kube-system/fastpath-bands",
        "it is on node quick, marked *",
        "quick*         9  its p99 is 40 µs, within the budget of 2000 µs; 2 fastpath.dev/vf free",
        "full           -  it has 0 free of vf, and the pod wants 1",
        "slow           -  its p99 of vf is 4000 µs, above the budget of 2000 µs",
    ] {
        assert!(text.lines().any(|one| one == line), "{line}\n{text}");
    }
    assert_eq!(text.matches("it has no path vf").count(), PLAIN_NODES, "{text}");

    // What no node has, none can give.
    let output = explain(&admin, &["pod", "large", "-n", "shop"]);
    let text = stdout(&output);
    assert!(!output.status.success(), "{text}");
    assert!(text.contains("quick          -  it has 1 free of vf, and the pod wants 3"), "{text}");

    let output = explain(&admin, &["pod", "web"]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("get pod default/web: it does not exist"), "{error}");
}

#[test]
fn a_pod_of_a_file_is_explained_by_the_cluster_s_bands() {
    let api = cluster();
    let file = api.dir().join("pod.yaml");
    let yaml = "metadata: {name: new, annotations: {fastpath.dev/latency: 6ms}}\nspec: {containers: [{}]}\n";
    std::fs::write(&file, yaml).unwrap();
    let new = ["--file", &file.display().to_string()];
    let admin = api.admin_kubeconfig();
    assert!(stdout(&explain(&admin, &new)).contains("path ovs-dpdk (by the bands; not stamped)"));

    let shipped = "deploy/latency-scheduler/common/bands.yaml";
    api.apply_file(&bed::repository().join(shipped));
    let text = stdout(&explain(&admin, &new));
    assert!(text.contains("bands: those of ConfigMap kube-system/fastpath-bands"), "{text}");
    assert!(text.contains("path ovs-dpdk"), "{text}");

    let bands = json!({"data": {"bands.yaml": "bands: [{path: vf, from: 1ms}]"}}).to_string();
    let change = ["-n", "kube-system", "patch", "configmap", "fastpath-bands", "-p", &bands];
    api.kubectl(&change);
    let text = stdout(&explain(&admin, &new));
    assert!(text.contains("path vf (by the bands; not stamped)"), "{text}");

    let lists = json!([{"apiGroups": [""], "resources": ["nodes", "pods"], "verbs": ["list"]}]);
    let reader = account(&api, &lists);
    let text = stdout(&explain(&reader, &new));
    let denied = "bands: the default ones: ConfigMap kube-system/fastpath-bands may not be read";
    assert!(text.contains(denied) && text.contains("path ovs-dpdk"), "{text}");
    let output = explain(&reader, &["pod", "web", "-n", "shop"]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        error.contains("get pod shop/web is not permitted") && error.contains("403"),
        "{error}"
    );
    assert!(error.contains("needs to get pods and to list nodes and pods"), "{error}");
}
