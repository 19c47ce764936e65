//! latency-scheduler's admission, asked by a real API server as deploy/latency-scheduler/webhooks.yaml says: what
//! kubectl's user sees, with which rights, and what starts while it is down. Pods have no node here.

use std::net::TcpListener;
use std::process::{Child, Command};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use testkit::cni::bin_dir;
use testkit::k8s::Cluster;
use testkit::wait::eventually;

use crate::bed;

const SOON: Duration = Duration::from_secs(30);
const HOUR: Duration = Duration::from_hours(1);

/// A cluster whose namespace `enabled` is asked about, and the program that answers.
struct Scene {
    api: Cluster,
    program: Program,
}

/// latency-scheduler; ended on drop.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Scene {
    fn new() -> Self {
        let api = bed::own_api();
        let deploy = bed::repository().join("deploy");
        api.apply_file(&deploy.join("crd.yaml"));
        api.apply_file(&deploy.join("latency-scheduler/admission-rbac.yaml"));
        api.kubectl(&["-n", "kube-system", "create", "serviceaccount", "latency-scheduler"]);
        let kind = "crd/network-attachment-definitions.k8s.cni.cncf.io";
        api.kubectl(&["wait", "--for=condition=established", kind]);
        eventually(SOON, "the kind to be served", || {
            api.try_kubectl(&["get", "net-attach-def"]).is_ok()
        });
        for namespace in ["enabled", "other"] {
            api.kubectl(&["create", "namespace", namespace]);
        }
        for namespace in ["enabled", "kube-system"] {
            api.kubectl(&["label", "namespace", namespace, "fastpath.dev/admission=enabled"]);
        }
        api.kubectl(&[
            "label",
            "namespace",
            "kube-system",
            "kubernetes.io/metadata.name=kube-system",
        ]);
        api.apply(&network("vf-net", "fastpath.dev/vf", "vf"));
        api.apply(&network("vhost-net", "fastpath.dev/vhostuser", "ovs-dpdk"));

        let (program, address) = start(&api);
        api.apply_file(&deploy.join("latency-scheduler/webhooks.yaml"));
        point(&api, "mutatingwebhookconfiguration", &["mutate"], &address);
        point(&api, "validatingwebhookconfiguration", &["validate", "validate"], &address);
        let scene = Self { api, program };
        eventually(SOON, "the webhook to be asked", || {
            scene
                .create("enabled", "probe", &json!({"latency": "1"}), &["--dry-run=server"])
                .is_err()
        });
        scene
    }

    /// What kubectl says of it.
    fn create(
        &self,
        namespace: &str,
        name: &str,
        annotations: &Value,
        arguments: &[&str],
    ) -> Result<String, String> {
        self.create_labelled(namespace, name, annotations, &json!({}), arguments)
    }

    fn create_labelled(
        &self,
        namespace: &str,
        name: &str,
        annotations: &Value,
        labels: &Value,
        arguments: &[&str],
    ) -> Result<String, String> {
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": namespace, "annotations": annotations, "labels": labels},
            "spec": {"containers": [{"name": "app", "image": "app"}]},
        });
        let file = self.api.dir().join(format!("{namespace}-{name}.json"));
        std::fs::write(&file, pod.to_string()).unwrap();
        self.api.try_kubectl(&[&["create", "-f", &file.display().to_string()], arguments].concat())
    }

    fn pod(&self, name: &str) -> Value {
        self.api.get(&["-n", "enabled", "pod", name])
    }
}

/// A network of `enabled`.
fn network(name: &str, resource: &str, path: &str) -> Value {
    json!({
        "apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
        "metadata": {
            "name": name, "namespace": "enabled", "labels": {"fastpath.dev/path": path},
            "annotations": {"k8s.v1.cni.cncf.io/resourceName": resource},
        },
        "spec": {"config": "{}"},
    })
}

/// Starts the program with the rights and a certificate of its own; returns where it listens.
#[expect(clippy::disallowed_methods, reason = "runs the program as a cluster does")]
fn start(api: &Cluster) -> (Program, String) {
    let program = bin_dir().join("latency-scheduler");
    let certificates = api.dir().join("latency-scheduler");
    let mut certify = Command::new(&program);
    certify.args(["certificate", "--name", "127.0.0.1", "--dir"]).arg(&certificates);
    assert!(certify.status().unwrap().success());
    let token = api.service_account_token("kube-system", "latency-scheduler", HOUR).token;
    let kubeconfig = api.kubeconfig_for(&api.token_file("latency-scheduler", &token));
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut command = Command::new(&program);
    command
        .args(["--listen", "127.0.0.1:0", "--admission", &free])
        .arg("--kubeconfig")
        .arg(kubeconfig);
    command.arg("--tls-cert").arg(certificates.join("tls.crt"));
    command.arg("--tls-key").arg(certificates.join("tls.key"));
    (Program(command.spawn().unwrap()), free)
}

/// Leads the webhooks to a program outside of the cluster. All the rest stays as it is shipped.
fn point(api: &Cluster, kind: &str, paths: &[&str], address: &str) {
    let authority = std::fs::read(api.dir().join("latency-scheduler/ca.crt")).unwrap();
    let authority = STANDARD.encode(authority);
    let client = |(index, path): (usize, &&str)| {
        let client = json!({"url": format!("https://{address}/{path}"), "caBundle": authority});
        json!({"op": "replace", "path": format!("/webhooks/{index}/clientConfig"), "value": client})
    };
    let patch: Value = paths.iter().enumerate().map(client).collect();
    api.kubectl(&["patch", kind, "latency-scheduler", "--type=json", "-p", &patch.to_string()]);
}

fn stamp(pod: &Value) -> &Value {
    &pod["metadata"]["annotations"]["fastpath.dev/path"]
}

#[test]
fn what_a_pod_is_given_is_in_the_cluster_and_what_is_wrong_is_an_api_error() {
    let scene = Scene::new();
    let create =
        |name: &str, budget: &str| scene.create("enabled", name, &json!({"latency": budget}), &[]);
    for (budget, path, resource) in [
        ("800", "vf", "fastpath.dev/vf"),
        ("801", "vf", "fastpath.dev/vf"),
        ("4999", "vf", "fastpath.dev/vf"),
        ("5000", "vf", "fastpath.dev/vf"),
        ("5001", "ovs-dpdk", "fastpath.dev/vhostuser"),
        ("9999", "ovs-dpdk", "fastpath.dev/vhostuser"),
        ("10000", "ovs-dpdk", "fastpath.dev/vhostuser"),
        ("10001", "kernel", ""),
    ] {
        let name = format!("p{budget}");
        create(&name, budget).unwrap();
        let pod = scene.pod(&name);
        assert_eq!(*stamp(&pod), path, "{budget}");
        let limits = &pod["spec"]["containers"][0]["resources"]["limits"];
        assert_eq!(limits.get(resource), (!resource.is_empty()).then_some(&json!("1")), "{budget}");
        let node = &pod["spec"]["affinity"]["nodeAffinity"];
        let terms = &node["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"];
        assert_eq!(terms.as_array().map_or(0, Vec::len), if path == "kernel" { 0 } else { 2 });
        let preferred = &node["preferredDuringSchedulingIgnoredDuringExecution"];
        assert_eq!(preferred.is_array(), path == "kernel", "{budget}");
    }
    for budget in ["799", "0", "-1", "5e3", "fast", "18446744073709551616"] {
        let error = create("refused", budget).unwrap_err();
        assert!(
            error.contains("give.admission.fastpath.dev") && error.contains("denied"),
            "{error}"
        );
        assert!(error.contains(if budget == "799" { "800" } else { "\"5000\"" }), "{error}");
    }
    assert!(scene.pod("refused").is_null());

    for change in ["latency=900", "fastpath.dev/path=kernel"] {
        let annotate = ["-n", "enabled", "annotate", "--overwrite", "pod", "p800", change];
        let error = scene.api.try_kubectl(&annotate).unwrap_err();
        assert!(error.contains("is decided when a pod is created"), "{error}");
    }
    scene.api.kubectl(&["-n", "enabled", "annotate", "pod", "p800", "team=a"]);

    scene.create("enabled", "plain", &json!({"team": "a"}), &[]).unwrap();
    let plain = scene.pod("plain");
    assert_eq!((stamp(&plain), &plain["spec"]["affinity"]), (&Value::Null, &Value::Null));
    scene.create("enabled", "dry", &json!({"latency": "7000"}), &["--dry-run=server"]).unwrap();
    assert!(scene.pod("dry").is_null());
    scene.create("other", "foreign", &json!({"latency": "fast"}), &[]).unwrap();
}

#[test]
fn while_it_is_down_pods_that_are_not_its_business_start() {
    let mut scene = Scene::new();
    scene.create("enabled", "before", &json!({"latency": "7000"}), &[]).unwrap();
    scene.program.0.kill().unwrap();
    scene.program.0.wait().unwrap();

    let error = scene.create("enabled", "fast", &json!({"latency": "7000"}), &[]).unwrap_err();
    assert!(error.contains("failed calling webhook"), "{error}");
    scene.create("other", "plain", &json!({}), &[]).unwrap();
    scene.create("kube-system", "system", &json!({}), &[]).unwrap();
    let skip = json!({"fastpath.dev/admission": "skip"});
    scene.create_labelled("enabled", "skipped", &json!({}), &skip, &[]).unwrap();
    // Controllers go on with the pods that there are.
    let controllers = ["-n", "enabled", "label", "pod", "before", "controller=went-on"];
    scene.api.kubectl(&controllers);
    scene.api.kubectl(&["-n", "enabled", "delete", "pod", "before", "--force", "--grace-period=0"]);
}
