//! multus-lite and the API server: what it asks, with which rights, and what it says when it may not.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::cni::{Output, Plugin};
use testkit::k8s::{Cluster, Request, Token, busybox_pod, cni_plugins};
use testkit::netns::Netns;
use testkit::wait::eventually;

use crate::bed;

const SOON: Duration = Duration::from_secs(30);
const USER: &str = "system:serviceaccount:kube-system:multus-lite";
/// Definitions that cannot be had; and what passes and is to be tried again.
const NETWORK: u64 = 110;
const TRY_AGAIN: u64 = 11;

/// A cluster as deploy/README.md installs it, with a pod that wants two networks.
struct Installed {
    api: Cluster,
    /// All tests share the state of one host.
    container: &'static str,
    conf: Value,
    multus: Plugin,
}

impl Installed {
    fn new(container: &'static str) -> Self {
        let api = bed::own_api();
        for file in ["crd.yaml", "multus-lite-rbac.yaml"] {
            api.apply_file(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(file));
        }
        let kind = "crd/network-attachment-definitions.k8s.cni.cncf.io";
        api.kubectl(&["wait", "--for=condition=established", kind]);
        let served = || api.try_kubectl(&["get", "net-attach-def"]).is_ok();
        eventually(SOON, "the kind to be served", served);
        for name in ["red", "blue"] {
            let config = json!({"cniVersion": "1.0.0", "type": "bridge", "bridge": name});
            let object = json!({
                "apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
                "metadata": {"name": name, "namespace": "default"},
                "spec": {"config": config.to_string()},
            });
            api.apply(&object);
        }
        let wants = json!({"k8s.v1.cni.cncf.io/networks": "red, blue"});
        api.apply(&busybox_pod("default", "web", &wants));

        let mut installed = Self { multus: multus(), conf: Value::Null, container, api };
        let token = installed.renew_token();
        installed.conf = json!({
            "cniVersion": "1.0.0", "name": "cluster", "type": "multus-lite",
            "kubeconfig": installed.api.kubeconfig_for(&installed.token_file(&token)),
            "delegates": [{"name": "default", "type": "bridge", "bridge": "green"}],
        });
        installed
    }

    /// A new token, where the kubeconfig says that it is.
    fn renew_token(&self) -> Token {
        let hour = Duration::from_hours(1);
        let token = self.api.service_account_token("kube-system", "multus-lite", hour);
        self.token_file(&token);
        token
    }

    fn token_file(&self, token: &Token) -> PathBuf {
        self.api.token_file("multus-lite", &token.token)
    }

    /// An ADD for the pod; what it attached is detached again.
    fn add(&self) -> Output {
        let pod = Netns::new();
        let output = self.multus.add(&self.conf, self.container, "eth0", pod.path());
        self.multus.del(&self.conf, self.container, "eth0", pod.path()).expect_ok();
        output
    }

    /// What multus-lite has asked so far, without the group and the namespace.
    fn asked(&self) -> Vec<String> {
        let ours = |request: &Request| request.user == USER;
        let short = |request: Request| {
            let path = request.uri.split_once("/namespaces/default/").unwrap().1;
            // As the server has it at hand.
            let path = path.trim_end_matches("?resourceVersion=0");
            format!("{} {path} {}", request.verb, request.code.unwrap_or_default())
        };
        self.api.requests().into_iter().filter(ours).map(short).collect()
    }
}

fn multus() -> Plugin {
    Plugin::new("multus-lite")
        .path(&cni_plugins().display().to_string())
        .args("IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web")
}

#[test]
fn an_add_asks_four_things_and_has_just_the_rights_for_them() {
    let installed = Installed::new("rights");
    let api = &installed.api;
    installed.add().expect_ok();
    let four = [
        "get pods/web 200",
        "get network-attachment-definitions/red 200",
        "get network-attachment-definitions/blue 200",
        "patch pods/web/status 200",
    ];
    assert_eq!(installed.asked(), four);
    let status = &api.get(&["pod", "web"])["metadata"]["annotations"];
    let status = status["k8s.v1.cni.cncf.io/network-status"].as_str().unwrap();
    let status: Value = serde_json::from_str(status).unwrap();
    let names: Vec<_> = status.as_array().unwrap().iter().map(|s| &s["name"]).collect();
    assert_eq!(names, ["default", "default/red", "default/blue"]);

    let rules = api.get(&["clusterrole", "multus-lite"])["rules"].take();
    let rules = rules.as_array().unwrap();
    for missing in 0..rules.len() {
        let mut less = rules.clone();
        less.remove(missing);
        set_rules(api, &less);
        eventually(SOON, "the right to be gone", || installed.add().code != 0);
        let (msg, details) = installed.add().expect_error(NETWORK);
        assert!(msg.contains("is not permitted"), "{msg}: {details}");
        assert!(details.contains("forbidden") && details.contains("rbac.yaml"), "{details}");
    }
    set_rules(api, rules);
    eventually(SOON, "the rights to be back", || installed.add().code == 0);
}

fn set_rules(api: &Cluster, rules: &[Value]) {
    api.apply(&json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": {"name": "multus-lite"}, "rules": rules,
    }));
}

#[test]
fn tokens_end_and_servers_hang() {
    let installed = Installed::new("token");
    let token = installed.renew_token();
    installed.add().expect_ok();
    installed.api.revoke(&token);
    eventually(SOON, "the token to be refused", || installed.add().code != 0);
    let (_, details) = installed.add().expect_error(NETWORK);
    assert!(details.contains("expired or revoked"), "{details}");
    assert!(!details.contains(&token.token), "{details}");
    installed.renew_token();
    installed.add().expect_ok();

    installed.api.pause_api();
    let start = Instant::now();
    let (_, details) = installed.add().expect_error(TRY_AGAIN);
    assert!(details.contains("the time allowed ended while"), "{details}");
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    installed.api.resume_api();
    installed.add().expect_ok();

    installed.api.stop_api();
    let (_, details) = installed.add().expect_error(TRY_AGAIN);
    assert!(details.contains("Connection refused"), "{details}");
    installed.api.start_api();
    installed.add().expect_ok();
}
