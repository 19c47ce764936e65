//! `node-agent report` and a real API server: what of a node's labels and annotations is whose, with
//! which rights, and how the server is reached from inside a pod. The Node objects have no kubelet.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Once, OnceLock};
use std::time::Duration;

use serde_json::{Value, json};
use testkit::cni::bin_dir;
use testkit::k8s::{Cluster, Request};
use testkit::node_agent::NodeAgent;
use testkit::wait::eventually;

use crate::bed;

const SOON: Duration = Duration::from_secs(30);
const HOUR: Duration = Duration::from_hours(1);
const USER: &str = "system:serviceaccount:kube-system:node-agent";
const MEASURED: &str = "/var/lib/fastpath/measure.json";
const MOUNTED: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// What the machine of the tests offers: no VF, no OVS-DPDK; and this much was measured once.
const LABELS: [(&str, &str); 2] =
    [("fastpath.dev/kernel", "true"), ("fastpath.dev/kernel-p99-us", "140")];

fn measurement() -> Value {
    let path = |name: &str, path: &str, p99: f64| {
        json!({
            "name": name, "path": path, "driver": "veth", "numa": null, "sizeBytes": 96,
            "ratePps": 1000, "rounds": 5, "sent": 5000, "received": 5000, "lost": 0, "reordered": 0,
            "us": {"min": 8.5, "p50": 9, "p90": 10, "p99": p99, "p99.9": 200, "max": 900.5},
            "p50Interval95": null,
        })
    };
    json!({
        "version": 1, "node": "n", "measuredAt": "2026-11-28T00:35:31Z", "method": "echo",
        "kernel": "6.12", "load1": 0.25,
        "paths": [path("kernel", "kernel", 121.5), path("vf-pod", "vf", 20.5)],
    })
}

/// A cluster with the node agent's account, and a kubeconfig of that.
struct Scene {
    api: Cluster,
    kubeconfig: PathBuf,
}

impl Scene {
    fn new() -> Self {
        static MEASURE: Once = Once::new();
        let api = bed::own_api();
        api.apply_file(&bed::repository().join("deploy/node-agent/rbac.yaml"));
        let token = api.service_account_token("kube-system", "node-agent", HOUR).token;
        let kubeconfig = api.kubeconfig_for(&api.token_file("node-agent", &token));
        MEASURE.call_once(|| fs::write(MEASURED, measurement().to_string()).unwrap());
        Self { api, kubeconfig }
    }

    /// One that tests share which keep to a node of their own.
    fn shared() -> &'static Self {
        static SHARED: OnceLock<Scene> = OnceLock::new();
        SHARED.get_or_init(Self::new)
    }

    fn add_node(&self, name: &str) {
        self.api.apply(&json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}));
    }

    fn node(&self, name: &str) -> Value {
        self.api.get(&["--show-managed-fields", "node", name])
    }

    fn report(&self, node: &str, arguments: &[&str]) -> Output {
        report(&self.kubeconfig, node, arguments)
    }
}

#[expect(clippy::disallowed_methods, reason = "runs the agent as a user does")]
fn report(kubeconfig: &Path, node: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(bin_dir().join("node-agent"));
    command.arg("report").args(["--node", node, "--ovsdb", "unix:/nowhere"]).args(arguments);
    command.arg("--kubeconfig").arg(kubeconfig).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn expect_ok(output: &Output) {
    assert!(output.status.success(), "{}", stderr(output));
}

fn labels(node: &Value) -> Value {
    node["metadata"]["labels"].clone()
}

fn ours() -> Value {
    LABELS.into_iter().map(|(key, value)| (key.to_owned(), json!(value))).collect()
}

fn managers(node: &Value) -> Vec<(&str, &str)> {
    let fields = node["metadata"]["managedFields"].as_array().unwrap().iter();
    fields
        .map(|entry| (entry["manager"].as_str().unwrap(), entry["operation"].as_str().unwrap()))
        .collect()
}

#[test]
fn a_running_agent_reports_and_takes_it_back() {
    let scene = Scene::shared();
    // Other tests' attachments are not to be repaired meanwhile.
    let _alone = bed::node();
    scene.add_node("running");
    let config = format!(
        "kubeconfig: {}\nlisten: 127.0.0.1:9465\novsdb: unix:/nowhere\ncniBinDir: /nowhere\n",
        scene.kubeconfig.display()
    );
    let options = ["--node", "running", "--legacy-labels"];
    let agent = NodeAgent::start_as_is(&config, &options);
    let mut wanted = ours();
    (wanted["dpdk"], wanted["ovs-dpdk"]) = (json!("0"), json!("false"));
    eventually(SOON, "the labels", || labels(&scene.node("running")) == wanted);
    assert!(agent.stop().success());
    let node = scene.node("running");
    assert_eq!(labels(&node), Value::Null);
    assert!(node["metadata"]["annotations"].get("fastpath.dev/paths").is_none(), "{node}");
}

#[test]
fn kubectl_shows_the_labels_and_the_whole_report() {
    let scene = Scene::shared();
    scene.add_node("shown");
    let output = scene.report("shown", &["--once"]);
    expect_ok(&output);
    let node = scene.node("shown");
    assert_eq!(labels(&node), ours());
    let annotations = &node["metadata"]["annotations"];
    let report = annotations["fastpath.dev/paths"].as_str().unwrap();
    let read: Value = serde_json::from_str(report).unwrap();
    // Whole numbers of the measurement are floats in what was read.
    assert_eq!(read["paths"][1]["us"]["p99"], 20.5);
    assert_eq!(read["measuredAt"], "2026-11-28T00:35:31Z");
    let renewed = annotations["fastpath.dev/report-renewed"].as_str().unwrap();
    assert_eq!((renewed.len(), renewed.ends_with('Z')), ("2026-11-28T00:35:31Z".len(), true));
    assert!(managers(&node).contains(&("fastpath-node-agent", "Apply")), "{:?}", managers(&node));
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&printed["labels"], &printed["report"]), (&ours(), &json!(report)));

    // Nothing is written unless asked for.
    expect_ok(&scene.report("shown", &[]));
    assert_eq!(scene.node("shown"), node);
}

#[test]
fn what_is_no_longer_told_goes_and_what_others_set_stays() {
    let scene = Scene::shared();
    scene.add_node("owned");
    let set = ["disk=ssd", "fastpath.dev/of-another=true"];
    scene.api.kubectl(&["label", "node", "owned", set[0], set[1]]);
    scene.api.kubectl(&["annotate", "node", "owned", "note=kept"]);
    let before = scene.node("owned");

    expect_ok(&scene.report("owned", &["--once", "--legacy-labels"]));
    let legacy = labels(&scene.node("owned"));
    assert_eq!((&legacy["dpdk"], &legacy["ovs-dpdk"]), (&json!("0"), &json!("false")));
    expect_ok(&scene.report("owned", &["--once"]));
    let now = labels(&scene.node("owned"));
    assert_eq!((now.get("dpdk"), now.get("ovs-dpdk")), (None, None));
    assert_eq!((&now["disk"], &now["fastpath.dev/kernel"]), (&json!("ssd"), &json!("true")));

    expect_ok(&scene.report("owned", &["--remove"]));
    let after = scene.node("owned");
    assert_eq!(labels(&after), labels(&before));
    assert_eq!(after["metadata"]["annotations"], before["metadata"]["annotations"]);
    assert_eq!(after["metadata"]["uid"], before["metadata"]["uid"]);
    assert!(!managers(&after).iter().any(|(name, _)| *name == "fastpath-node-agent"));

    // Once more changes nothing at all.
    expect_ok(&scene.report("owned", &["--remove"]));
    assert_eq!(scene.node("owned"), after);
}

#[test]
fn a_node_that_does_not_exist_is_told_and_not_created() {
    let scene = Scene::shared();
    let admin = scene.api.admin_kubeconfig();
    for kubeconfig in [&admin, &scene.kubeconfig] {
        let output = report(kubeconfig, "typo", &["--once"]);
        assert!(!output.status.success());
        let text = stderr(&output);
        assert!(text.contains("there is no node \"typo\"") && text.contains("--node"), "{text}");
        expect_ok(&report(kubeconfig, "typo", &["--remove"]));
    }
    assert_eq!(scene.node("typo"), Value::Null);
}

#[test]
fn the_shipped_rights_suffice_and_less_do_not() {
    let scene = Scene::new();
    let api = &scene.api;
    scene.add_node("n");
    expect_ok(&scene.report("n", &["--once"]));
    let asked: Vec<Request> = api.requests().into_iter().filter(|one| one.user == USER).collect();
    let asked: Vec<_> =
        asked.iter().map(|one| (one.verb.as_str(), one.uri.as_str(), one.code)).collect();
    let apply = "/api/v1/nodes/n?fieldManager=fastpath-node-agent&force=true";
    let expected = [("patch", "/api/v1/nodes/n", Some(200)), ("patch", apply, Some(200))];
    assert_eq!(asked, expected);

    let rules = api.get(&["clusterrole", "node-agent"])["rules"].take();
    assert_eq!(rules, json!([{"apiGroups": [""], "resources": ["nodes"], "verbs": ["patch"]}]));
    // Without its only verb there is none; so another one stands in its place.
    set_verb(api, "get");
    eventually(SOON, "the right to be gone", || !scene.report("n", &["--once"]).status.success());
    let text = stderr(&scene.report("n", &["--once"]));
    assert!(text.contains("report to node n is not permitted"), "{text}");
    assert!(text.contains("403") && text.contains("cannot patch resource"), "{text}");
    assert!(text.contains("deploy/node-agent/rbac.yaml"), "{text}");
    set_verb(api, "patch");
    eventually(SOON, "the right to be back", || scene.report("n", &["--once"]).status.success());
}

fn set_verb(api: &Cluster, verb: &str) {
    api.apply(&json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": {"name": "node-agent"},
        "rules": [{"apiGroups": [""], "resources": ["nodes"], "verbs": [verb]}],
    }));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "runs the agent as in a pod")]
fn from_inside_a_pod_the_service_account_is_enough() {
    let scene = Scene::shared();
    scene.add_node("inside");
    let token = scene.api.service_account_token("kube-system", "node-agent", HOUR).token;
    let token = scene.api.token_file("inside", &token);
    // The files are there for the agent alone: other tests' multus-lite would take them for its own.
    let mounted = "mount -t tmpfs tmpfs $0 && cp $1 $0/token && cp $2 $0/ca.crt && \
                   echo -n kube-system > $0/namespace && shift 2 && exec \"$@\"";
    fs::create_dir_all(MOUNTED).unwrap();
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c", mounted, MOUNTED]);
    command.args([token, scene.api.ca_file(), bin_dir().join("node-agent")]);
    command.args(["report", "--once", "--node", "inside", "--ovsdb", "unix:/nowhere"]);
    let url = scene.api.url();
    let (host, port) = url.trim_start_matches("https://").split_once(':').unwrap();
    command.envs([("KUBERNETES_SERVICE_HOST", host), ("KUBERNETES_SERVICE_PORT", port)]);
    expect_ok(&command.output().unwrap());
    assert_eq!(labels(&scene.node("inside")), ours());
}
