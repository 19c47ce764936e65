//! What the tests of placement share: a cluster with everything of a shape of deploy/latency-scheduler.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use testkit::k8s::Cluster;
use testkit::wait::eventually;

use super::program::Program;
use crate::bed;

pub(crate) const SOON: Duration = Duration::from_mins(1);

/// The namespace whose pods are asked about.
pub(crate) const NAMESPACE: &str = "enabled";

/// A way in which latency-scheduler is shipped.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Shape {
    /// Beside the cluster's own kube-scheduler.
    Beside,
    /// With a kube-scheduler of its own.
    Own,
    /// Somewhere else than the cluster's own kube-scheduler.
    Remote,
}

impl Shape {
    fn dir(self) -> PathBuf {
        let root = bed::repository().join("deploy/latency-scheduler");
        match self {
            Self::Beside => root,
            Self::Own => root.join("own"),
            Self::Remote => root.join("remote"),
        }
    }

    /// Applies what is shipped, starts the program, and waits until the API server asks it about the pods
    /// of [`NAMESPACE`].
    pub(crate) fn ship(self, api: &Cluster) -> Program {
        api.kubectl(&["create", "namespace", NAMESPACE]);
        api.kubectl(&["label", "namespace", NAMESPACE, "fastpath.dev/admission=enabled"]);
        // From 1.21 on the API server does it.
        let own_name = "kubernetes.io/metadata.name=kube-system";
        api.kubectl(&["label", "namespace", "kube-system", own_name]);

        api.kubectl(&["apply", "-k", &self.dir().display().to_string()]);
        let workload = if self == Self::Beside { "daemonset" } else { "deployment" };
        let manifest = api.get(&["-n", "kube-system", workload, "latency-scheduler"]);
        let program = Program::start(api, &manifest);
        point(api, &program, "mutatingwebhookconfiguration", &["mutate"]);
        point(api, &program, "validatingwebhookconfiguration", &["validate", "validate"]);
        eventually(SOON, "the webhook to be asked", || {
            let nonsense = pod("probe", &json!({"latency": "1"}));
            create(api, &nonsense, &["--dry-run=server"]).is_err()
        });
        program
    }

    /// The shipped configuration of kube-scheduler, which finds the extender where it is here.
    pub(crate) fn scheduler_config(self, program: &Program) -> Value {
        let text = fs::read_to_string(self.dir().join("kube-scheduler.yaml")).unwrap();
        let mut config: Value = serde_saphyr::from_str(&text).unwrap();
        if self == Self::Own {
            // With the rights and the lease of its own.
            config["clientConnection"] = json!({"kubeconfig": program.kubeconfig});
        } else {
            config["clientConnection"] = json!({});
            config["leaderElection"]["leaderElect"] = json!(false);
        }
        let extender = &mut config["extenders"][0];
        let scheme = if self == Self::Remote { "https" } else { "http" };
        extender["urlPrefix"] = json!(format!("{scheme}://{}/v1", program.extender));
        for file in ["caFile", "certFile", "keyFile"] {
            if let Some(shipped) = extender["tlsConfig"][file].as_str() {
                let name = shipped.rsplit('/').next().unwrap();
                extender["tlsConfig"][file] = json!(program.certificates.join(name));
            }
        }
        config
    }
}

/// Leads the webhooks to a program outside of the cluster. All the rest stays as it is shipped.
fn point(api: &Cluster, program: &Program, kind: &str, paths: &[&str]) {
    let Program { admission, certificates, .. } = program;
    let authority = STANDARD.encode(fs::read(certificates.join("ca.crt")).unwrap());
    let client = |(index, path): (usize, &&str)| {
        let client = json!({"url": format!("https://{admission}/{path}"), "caBundle": authority});
        json!({"op": "replace", "path": format!("/webhooks/{index}/clientConfig"), "value": client})
    };
    let patch: Value = paths.iter().enumerate().map(client).collect();
    api.kubectl(&["patch", kind, "latency-scheduler", "--type=json", "-p", &patch.to_string()]);
}

/// What kubectl says of the creation of objects.
fn create(api: &Cluster, object: &Value, arguments: &[&str]) -> Result<String, String> {
    let name = object["metadata"]["name"].as_str().unwrap_or("list");
    let file = api.dir().join(format!("create-{name}.json"));
    fs::write(&file, object.to_string()).unwrap();
    api.try_kubectl(&[&["create", "-f", &file.display().to_string()], arguments].concat())
}

/// A cluster whose namespace `enabled` is asked about, and the program that answers.
pub(crate) struct Scene {
    pub(crate) api: Cluster,
    pub(crate) program: Program,
    shape: Shape,
}

impl Scene {
    /// Applies what is shipped, starts the program, and waits until the API server asks it. Pods are not placed yet.
    pub(crate) fn new(shape: Shape) -> Self {
        let api = bed::own_api();
        api.apply_file(&bed::repository().join("deploy/crd.yaml"));
        let kind = "crd/network-attachment-definitions.k8s.cni.cncf.io";
        api.kubectl(&["wait", "--for=condition=established", kind]);
        eventually(SOON, "the kind to be served", || {
            api.try_kubectl(&["get", "net-attach-def"]).is_ok()
        });
        api.kubectl(&["create", "namespace", "other"]);
        api.kubectl(&["label", "namespace", "kube-system", "fastpath.dev/admission=enabled"]);
        let program = shape.ship(&api);
        api.apply(&network("vf-net", "fastpath.dev/vf", "vf"));
        api.apply(&network("vhost-net", "fastpath.dev/vhostuser", "ovs-dpdk"));
        Self { api, program, shape }
    }

    /// Starts kube-scheduler with the shape's configuration.
    pub(crate) fn start_scheduler(&self) {
        self.api.start_scheduler(&self.scheduler_config());
    }

    pub(crate) fn scheduler_config(&self) -> Value {
        self.shape.scheduler_config(&self.program)
    }

    /// What kubectl says of the creation of objects.
    pub(crate) fn create(&self, object: &Value, arguments: &[&str]) -> Result<String, String> {
        create(&self.api, object, arguments)
    }

    /// Creates pods that are alike, called `NAME-0` and so on.
    pub(crate) fn create_many(&self, count: usize, name: &str, annotations: &Value) {
        let pods = (0..count).map(|n| pod(&format!("{name}-{n}"), annotations));
        let list = json!({"apiVersion": "v1", "kind": "List", "items": pods.collect::<Vec<_>>()});
        self.create(&list, &[]).unwrap();
    }

    /// Creates a pod and returns where it is placed.
    pub(crate) fn place(&self, name: &str, annotations: &Value) -> String {
        self.create(&pod(name, annotations), &[]).unwrap();
        self.wait_placed(name)
    }

    /// Waits until a pod is placed, and returns where.
    pub(crate) fn wait_placed(&self, name: &str) -> String {
        let start = Instant::now();
        loop {
            if let Some(node) = self.pod(name)["spec"]["nodeName"].as_str() {
                return node.to_owned();
            }
            if start.elapsed() > SOON {
                let events = self.api.kubectl(&["-n", NAMESPACE, "get", "events"]);
                let log = fs::read_to_string(self.api.dir().join("kube-scheduler.log")).unwrap();
                let last: Vec<&str> = log.lines().rev().take(20).collect();
                panic!("{name} was not placed:\n{events}\n{}", last.join("\n"));
            }
        }
    }

    pub(crate) fn pod(&self, name: &str) -> Value {
        self.api.get(&["-n", NAMESPACE, "pod", name])
    }

    /// Where each pod of the namespace is; empty for those that have no place.
    pub(crate) fn placed(&self) -> BTreeMap<String, String> {
        let pods = self.api.get(&["-n", NAMESPACE, "pods"]);
        let place = |pod: &Value| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            (text(&pod["metadata"]["name"]), text(&pod["spec"]["nodeName"]))
        };
        pods["items"].as_array().unwrap().iter().map(place).collect()
    }

    /// How many pods of the namespace each node has.
    pub(crate) fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for node in self.placed().into_values().filter(|node| !node.is_empty()) {
            *counts.entry(node).or_default() += 1;
        }
        counts
    }

    /// Waits until a pod could not be placed, and returns why.
    pub(crate) fn why_unschedulable(&self, name: &str) -> String {
        let mut why = String::new();
        eventually(SOON, &format!("{name} to be refused"), || {
            let pod = self.pod(name);
            let conditions = pod["status"]["conditions"].as_array().cloned().unwrap_or_default();
            let placing = conditions.iter().find(|one| one["type"] == "PodScheduled");
            let message = placing.filter(|one| one["reason"] == "Unschedulable");
            let message = message.and_then(|one| one["message"].as_str());
            message.unwrap_or_default().clone_into(&mut why);
            !why.is_empty()
        });
        why
    }

    /// Takes pods away at once: there is no kubelet that could.
    pub(crate) fn delete(&self, pods: &[&str]) {
        let delete = ["-n", NAMESPACE, "delete", "--force", "--grace-period=0", "pod"];
        let delete: Vec<&str> = delete.iter().chain(pods).copied().collect();
        self.api.kubectl(&delete);
    }
}

/// A pod of the namespace with one container; it asks for the scheduler by the name that the thesis' pods use.
pub(crate) fn pod(name: &str, annotations: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "annotations": annotations},
        "spec": {
            "schedulerName": "latency-scheduler",
            "containers": [{
                "name": "app", "image": "app", "resources": {"requests": {"cpu": "100m"}},
            }],
        },
    })
}

/// A network of the namespace.
fn network(name: &str, resource: &str, path: &str) -> Value {
    json!({
        "apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
        "metadata": {
            "name": name, "namespace": NAMESPACE, "labels": {"fastpath.dev/path": path},
            "annotations": {"k8s.v1.cni.cncf.io/resourceName": resource},
        },
        "spec": {"config": "{}"},
    })
}
