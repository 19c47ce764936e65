//! One pass of the caretaker beside a real kubelet, which says what pods there are.

use integration::repair::repair;
use integration::with;
use serde_json::json;
use testkit::cni::Plugin;
use testkit::netns::Netns;

use crate::bed;
use crate::node_gc::own_network;
use crate::node_networks::three_networks;
use crate::node_state::{delete, of_container, state};

/// A sandbox that died without its DEL, when its namespace stayed: nobody is in it, and kubelet has no pod
/// of that name. One of a pod that kubelet knows stays, as it does before the pod's first process is there.
#[test]
fn what_no_pod_of_kubelets_has_is_released() {
    let (cluster, mut node) = (bed::cluster(), bed::node());
    let before = state(&node);
    cluster.apply(&three_networks(cluster, "known"));
    cluster.wait_pod_running("default", "known");
    let with_pod = state(&node);
    let conf = with(&own_network(), &json!({"logLevel": "debug"}));
    let dirs = bed::cni_path().map(|dir| dir.display().to_string());
    let multus = |pod: &str| {
        let args = format!("IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME={pod}");
        let multus = Plugin::new("multus-lite").args(&args);
        dirs.iter().fold(multus, |plugin, dir| plugin.path(dir))
    };
    let netns = [(); 2].map(|()| Netns::new());
    for (pod, netns) in ["known", "lost"].into_iter().zip(&netns) {
        multus(pod).add(&conf, &format!("own-{pod}"), "eth0", netns.path()).expect_ok();
    }
    let all = (state(&node), of_container("own-known"));
    let path = dirs.join(":");
    let pass = |options: &[&str]| {
        let pass = repair(&[&["--cni-path", &path], options].concat());
        assert_eq!(pass.status, Some(0), "{pass:?}");
        pass.told()
    };

    // Without kubelet nobody can say.
    node.kill_kubelet();
    assert_eq!(pass(&[]), [""; 0]);
    node.start_kubelet();
    node.wait_ready();
    // Young ones are not judged by it.
    assert_eq!(pass(&["--grace", "3600"]), [""; 0]);
    assert_eq!(pass(&["--dry-run"]), ["left-over multus-lite own-lost:eth0 would"]);
    assert_eq!((state(&node), of_container("own-known")), all);
    assert_eq!(pass(&[]), ["left-over multus-lite own-lost:eth0 done"]);
    assert_eq!((of_container("own-lost"), of_container("own-known")), (vec![], all.1));
    assert_eq!(pass(&[]), [""; 0]);

    multus("known").del(&conf, "own-known", "eth0", netns[0].path()).expect_ok();
    assert_eq!(state(&node), with_pod);
    delete(cluster, &node, &["known"], &before);
}
