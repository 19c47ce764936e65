//! The whole chain once more, on a node with VFs: the control plane here; kubelet, containerd, the node-agent,
//! multus-lite, the sriov plugin and testpmd in the test VM.

use std::fs;
use std::time::Instant;

use integration::say;
use serde_json::{Value, json};
use testkit::k8s::NODE_NAME;
use testkit::wait::eventually;

use super::chain::{expect_unprivileged, pod};
use super::scene::{NAMESPACE, Shape};
use crate::bed;
use crate::vm_node::{SOON, VmNode};

const RESOURCE: &str = "fastpath.dev/vf";

#[test]
fn a_pod_with_a_small_budget_answers_frames_on_a_vf_and_leaves_nothing() {
    let start = Instant::now();
    let cluster = bed::own_cluster();
    let program = Shape::Beside.ship(&cluster);
    cluster.start_scheduler(&Shape::Beside.scheduler_config(&program));
    cluster.apply_file(&bed::repository().join("deploy/node-agent/rbac.yaml"));
    cluster.apply(&network());
    say(start, "the control plane runs: admission, and the scheduler with its extender");
    let pools = bed::repository().join("conf-examples/node-agent/vfs.yaml");
    let node = VmNode::boot(&cluster, &fs::read_to_string(pools).unwrap());
    say(start, "the node in the VM is ready");
    eventually(SOON, "the node to offer VFs", || {
        let node = cluster.get(&["node", NODE_NAME]);
        node["status"]["allocatable"][RESOURCE] == "3"
            && node["metadata"]["labels"]["fastpath.dev/vf"] == "true"
    });
    let before = node.state();
    assert!(before.contains("0000:02:10.0 vfio-pci"), "{before}");
    say(start, "the node offers 3 VFs and says that it has the path");

    cluster.apply(&pod("quick", "1000", SCRIPT));
    say(start, "kubectl apply of a pod with `latency: \"1000\"`");
    cluster.wait_pod_running_within(SOON, NAMESPACE, "quick");
    say(start, "the pod is running");
    expect_unprivileged(&cluster, "quick", "vf", RESOURCE);

    // eth0 is at the other end of the cable of eth1, whose VF the pod has.
    node.sh("ip addr add 10.99.0.2/24 dev eth0");
    eventually(SOON, "the pod's program to answer", || {
        node.sh("ping -q -c 1 -W 1 10.99.0.1").contains(" 1 received")
    });
    assert!(node.state().contains("/var/lib/fastpath/sriov/0000:02:1"), "{}", node.state());
    let answered = node.sh("ping -q -c 100 -i 0.02 -W 5 10.99.0.1");
    assert!(answered.contains(" 100 received"), "{answered}");
    say(start, "100 of 100 frames were answered through its VF");

    cluster.kubectl(&["-n", NAMESPACE, "delete", "pod", "quick", "--wait=false"]);
    node.expect_state(&before);
    say(start, "the pod is deleted, and nothing of it is left");
}

/// What the pod runs; it ends with its input.
const SCRIPT: &str = "exec /usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 /usr/bin/dpdk-testpmd -l 0-1 --in-memory \
    --no-telemetry --iova-mode=va -m64 -a $PCIDEVICE_FASTPATH_DEV_VF -- --auto-start --nb-cores=1 --no-mlockall \
    --total-num-mbufs=4096 --forward-mode=icmpecho --stats-period=1";

/// The one network for the path.
fn network() -> Value {
    json!({
        "apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
        "metadata": {
            "name": "vfs", "namespace": NAMESPACE, "labels": {"fastpath.dev/path": "vf"},
            "annotations": {"k8s.v1.cni.cncf.io/resourceName": RESOURCE},
        },
        "spec": {"config": json!({"cniVersion": "1.1.0", "name": "vfs", "type": "sriov"}).to_string()},
    })
}
