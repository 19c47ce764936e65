//! The bed itself: what the other tests rely on is so.

use std::time::Duration;

use serde_json::json;
use testkit::k8s::{Request, busybox_pod};
use testkit::wait::eventually;
use testkit::witness::ip_json;

use crate::bed;
use crate::node_state::{delete, leases, ports, state};

const SOON: Duration = Duration::from_secs(30);

#[test]
fn an_object_is_kept() {
    let api = bed::api();
    api.apply(&busybox_pod("default", "kept", &json!({"key": "value"})));
    assert_eq!(api.get(&["pod", "kept"])["metadata"]["annotations"]["key"], "value");
    api.kubectl(&["delete", "pod", "kept", "--force", "--grace-period=0"]);
    assert_eq!(api.get(&["pod", "kept"]), json!(null));
}

#[test]
fn each_request_is_on_record_with_who_asked() {
    let api = bed::api();
    api.kubectl(&["create", "serviceaccount", "counted"]);
    let token = api.service_account_token("default", "counted", Duration::from_mins(10));
    let kubeconfig = api.kubeconfig_for(&api.token_file("counted", &token.token));
    let kubeconfig = kubeconfig.display().to_string();
    let pods = "/api/v1/namespaces/default/pods";
    let ask = ["--kubeconfig", &kubeconfig, "get", "--raw", pods];

    let refused = api.try_kubectl(&ask).unwrap_err();
    assert!(refused.contains("Forbidden"), "{refused}");
    let account = "--serviceaccount=default:counted";
    api.kubectl(&["create", "role", "counted", "--verb=list", "--resource=pods"]);
    api.kubectl(&["create", "rolebinding", "counted", "--role=counted", account]);
    eventually(SOON, "the role to count", || api.try_kubectl(&ask).is_ok());

    let user = "system:serviceaccount:default:counted";
    let asked: Vec<Request> = api.requests().into_iter().filter(|r| r.user == user).collect();
    assert!(asked.iter().all(|r| r.verb == "list" && r.uri == pods), "{asked:#?}");
    assert_eq!(asked.first().unwrap().code, Some(403));
    assert!(asked.len() > 1, "{asked:#?}");
}

#[test]
fn a_revoked_token_is_refused() {
    let api = bed::api();
    api.kubectl(&["create", "serviceaccount", "revoked"]);
    let token = api.service_account_token("default", "revoked", Duration::from_mins(10));
    let kubeconfig = api.kubeconfig_for(&api.token_file("revoked", &token.token));
    let ask =
        || api.try_kubectl(&["--kubeconfig", &kubeconfig.display().to_string(), "get", "pods"]);
    let error = ask().unwrap_err();
    assert!(error.contains("Forbidden"), "{error}");
    api.revoke(&token);
    eventually(SOON, "the token to be refused", || ask().unwrap_err().contains("Unauthorized"));
}

#[test]
fn the_api_server_goes_and_comes_back() {
    let api = bed::own_api();
    let ask = || api.try_kubectl(&["get", "namespace", "default", "--request-timeout=2s"]);
    api.kubectl(&["create", "namespace", "remembered"]);

    api.stop_api();
    let error = ask().unwrap_err();
    assert!(error.contains("refused"), "{error}");
    api.start_api();
    api.kubectl(&["get", "namespace", "remembered"]);

    api.pause_api();
    let error = ask().unwrap_err();
    // In whichever of its clients' words.
    assert!(error.contains("imeout") || error.contains("deadline"), "{error}");
    api.resume_api();
    eventually(SOON, "an answer", || ask().is_ok());
}

#[test]
fn a_pod_gets_an_address_and_gives_it_back() {
    let (cluster, node) = (bed::cluster(), bed::node());
    let before = state(&node);
    cluster.apply(&busybox_pod("default", "pod1", &json!({})));
    cluster.wait_pod_running("default", "pod1");

    let inside = cluster.pod_exec("default", "pod1", &["ip", "-4", "addr", "show", "eth0"]);
    let address = &cluster.get(&["pod", "pod1"])["status"]["podIP"];
    let address = address.as_str().unwrap();
    assert!(inside.contains(&format!("inet {address}/24")), "{address}: {inside}");
    let outside = ip_json(Some(&node.netns("default", "pod1")), &["addr", "show", "eth0"]);
    assert_eq!(outside[0]["addr_info"][0]["local"], address);
    assert_eq!(ports().len(), 1);
    assert_eq!(leases("default"), [address]);

    delete(cluster, &node, &["pod1"], &before);
}

#[test]
fn a_scheduled_pod_outlives_kubelet_and_containerd() {
    let (cluster, mut node) = (bed::cluster(), bed::node());
    let before = state(&node);
    let mut pod = busybox_pod("default", "pod2", &json!({}));
    pod["spec"]["nodeName"].take();
    cluster.apply(&pod);
    cluster.wait_pod_running("default", "pod2");

    node.kill_kubelet();
    node.restart_containerd();
    node.start_kubelet();
    node.wait_ready();
    eventually(SOON, "the pod to answer", || {
        cluster.try_kubectl(&["exec", "pod2", "--", "true"]).is_ok()
    });
    let status = &cluster.get(&["pod", "pod2"])["status"];
    assert_eq!(status["containerStatuses"][0]["restartCount"], 0);
    delete(cluster, &node, &["pod2"], &before);
}
