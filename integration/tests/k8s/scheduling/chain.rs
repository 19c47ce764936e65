//! The whole chain: a pod says nothing but its budget, and its program answers frames through the path that it got. Real
//! are the API server, admission, the scheduler with its extender, kubelet, containerd, the node-agent, multus-lite, the
//! vhostuser plugin, OVS-DPDK and testpmd.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use integration::{listing, say};
use serde_json::{Value, json};
use testkit::cni::bin_dir;
use testkit::k8s::{Cluster, NODE_NAME};
use testkit::node_agent::NodeAgent;
use testkit::ovs::Ovs;
use testkit::wait::eventually;

use super::scene::{NAMESPACE, Shape};
use crate::bed;
use crate::node_sockets::{BRIDGE, RESOURCE, SLOTS, USER};
use crate::node_state::{SOON, expect_state, state};

/// Where the pod's program is on the node: with the libraries below /usr it stands for the pod's image.
const PROGRAM: &str = "/run/testpmd-image";

/// Asserts that a pod got its path by its budget, and runs as a user who may do nothing.
pub(super) fn expect_unprivileged(cluster: &Cluster, name: &str, path: &str, resource: &str) {
    let pod = cluster.get(&["-n", NAMESPACE, "pod", name]);
    assert_eq!(pod["metadata"]["annotations"]["fastpath.dev/path"], path);
    assert_eq!(pod["spec"]["nodeName"], NODE_NAME);
    let container = &pod["spec"]["containers"][0];
    assert_eq!(container["resources"]["limits"][resource], "1");
    assert!(container["securityContext"]["privileged"].is_null());
    let user =
        cluster.pod_exec(NAMESPACE, name, &["grep", "-E", "^(Uid|CapEff)", "/proc/1/status"]);
    assert!(
        user.contains(&format!("Uid:\t{USER}")) && user.contains("CapEff:\t0000000000000000"),
        "{user}"
    );
}

#[test]
fn a_pod_with_only_a_budget_answers_frames_and_leaves_nothing() {
    let (cluster, node) = (bed::cluster(), bed::node());
    let (before, ovs, start) = (state(&node), Ovs::start(), Instant::now());
    let program = Shape::Beside.ship(cluster);
    cluster.start_scheduler(&Shape::Beside.scheduler_config(&program));
    let agent = agent(cluster);
    cluster.apply(&network());
    say(start, "admission, scheduler with extender and node-agent run");
    eventually(SOON, "the node to offer slots", || {
        let node = cluster.get(&["node", NODE_NAME]);
        node["status"]["allocatable"][RESOURCE] == "4"
            && node["metadata"]["labels"]["fastpath.dev/ovs-dpdk"] == "true"
    });
    say(start, "the node offers 4 slots and says that it has the path");

    install_program();
    cluster.apply(&slow_pod());
    say(start, "kubectl apply of a pod with `latency: \"7000\"`");
    cluster.wait_pod_running(NAMESPACE, "slow");
    say(start, "the pod is running");
    expect_unprivileged(cluster, "slow", "ovs-dpdk", RESOURCE);

    let outside = ovs.add_outer(BRIDGE, None);
    eventually(SOON, "the pod's program to answer", || outside.reaches("10.99.0.1"));
    assert_eq!(outside.ping("10.99.0.1", 1000), 1000);
    say(start, "1000 of 1000 frames were answered through its slot's socket");
    drop(outside);

    cluster.kubectl(&["-n", NAMESPACE, "delete", "pod", "slow", "--timeout=60s"]);
    expect_state(&node, &before);
    assert!(ovs.ports(BRIDGE).is_empty(), "{:?}", ovs.ports(BRIDGE));
    for slot in listing(SLOTS) {
        assert_eq!(listing(format!("{SLOTS}/{slot}/pod")), Vec::<String>::new(), "{slot}");
    }
    assert_eq!(listing("/var/lib/fastpath/vhostuser"), Vec::<String>::new());
    say(start, "the pod is deleted, and nothing of it is left");

    assert!(agent.stop().success());
    cluster.start_scheduler(&json!({}));
    for webhooks in ["mutatingwebhookconfiguration", "validatingwebhookconfiguration"] {
        cluster.kubectl(&["delete", webhooks, "latency-scheduler"]);
    }
    for dir in [SLOTS, "/var/lib/fastpath/pools", PROGRAM] {
        fs::remove_dir_all(dir).unwrap();
    }
}

/// The agent with four slots, reporting with the rights that are shipped.
fn agent(cluster: &Cluster) -> NodeAgent {
    cluster.apply_file(&bed::repository().join("deploy/node-agent/rbac.yaml"));
    let hour = Duration::from_hours(1);
    let token = cluster.service_account_token("kube-system", "node-agent", hour).token;
    let kubeconfig = cluster.kubeconfig_for(&cluster.token_file("node-agent", &token));
    let slots = fs::read_to_string(bed::repository().join("conf-examples/node-agent/slots.yaml"));
    let rest =
        format!("kubeconfig: {}\ncniBinDir: {}\n", kubeconfig.display(), bin_dir().display());
    NodeAgent::start_as_is(&(slots.unwrap() + &rest), &["--node", NODE_NAME])
}

/// The one network for the path.
fn network() -> Value {
    let config = json!({
        "cniVersion": "1.1.0", "name": "slots", "type": "vhostuser", "bridge": BRIDGE,
        "socketDir": {"owner": USER},
    });
    json!({
        "apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
        "metadata": {
            "name": "slots", "namespace": NAMESPACE, "labels": {"fastpath.dev/path": "ovs-dpdk"},
            "annotations": {"k8s.v1.cni.cncf.io/resourceName": RESOURCE},
        },
        "spec": {"config": config.to_string()},
    })
}

#[expect(clippy::disallowed_methods, reason = "where it is is told by the environment")]
fn install_program() {
    fs::create_dir_all(PROGRAM).unwrap();
    let testpmd = Path::new(PROGRAM).join("testpmd");
    fs::copy(env::var_os("FASTPATH_TESTPMD").unwrap(), &testpmd).unwrap();
    fs::set_permissions(testpmd, fs::Permissions::from_mode(0o755)).unwrap();
}

fn slow_pod() -> Value {
    let script = "exec /usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 /image/testpmd --lcores=0@0,1@0 --no-pci --in-memory \
        --single-file-segments -m64 $(cat /run/fastpath/slots/*/pod/eal-args) -- \
        --auto-start --no-mlockall --total-num-mbufs=4096 --forward-mode=icmpecho --stats-period=1";
    let mut pod = pod("slow", "7000", script);
    let list = |value: &mut Value, more: Value| value.as_array_mut().unwrap().push(more);
    let mount = json!({"name": "image", "mountPath": "/image", "readOnly": true});
    list(&mut pod["spec"]["containers"][0]["volumeMounts"], mount);
    list(&mut pod["spec"]["volumes"], json!({"name": "image", "hostPath": {"path": PROGRAM}}));
    pod
}

/// A pod whose program is the node's. All that it says of its network is the budget.
pub(super) fn pod(name: &str, budget: &str, script: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "annotations": {"latency": budget}},
        "spec": {
            "schedulerName": "latency-scheduler",
            "terminationGracePeriodSeconds": 1,
            "securityContext": {"runAsUser": USER, "runAsGroup": USER, "fsGroup": USER},
            "containers": [{
                "name": "app", "image": "docker.io/library/busybox:test",
                "command": ["sh", "-c", script],
                // It ends with its input.
                "stdin": true,
                "env": [{"name": "RUNTIME_DIRECTORY", "value": "/tmp"}],
                "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
                "resources": {
                    "limits": {"hugepages-2Mi": "64Mi", "memory": "256Mi"},
                    "requests": {"cpu": "100m"},
                },
                "volumeMounts": [
                    {"name": "hugepages", "mountPath": "/dev/hugepages"},
                    {"name": "libraries", "mountPath": "/usr", "readOnly": true},
                ],
            }],
            "volumes": [
                {"name": "hugepages", "emptyDir": {"medium": "HugePages"}},
                {"name": "libraries", "hostPath": {"path": "/usr"}},
            ],
        },
    })
}
