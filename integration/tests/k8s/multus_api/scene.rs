//! A namespace of the API server for one test, with networks, pods and plugins of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use integration::marker::Marker;
use integration::{listing, with};
use serde_json::{Value, json};
use testkit::cni::{Output, Plugin};
use testkit::k8s::{Cluster, busybox_pod, cni_plugins};
use testkit::netns::Netns;
use testkit::wait::eventually;
use testkit::witness::ip_json;

use crate::bed;

pub(crate) const NETWORKS: &str = "k8s.v1.cni.cncf.io/networks";
pub(crate) const STATUS: &str = "k8s.v1.cni.cncf.io/network-status";
pub(crate) const DEFAULT: &str = "v1.multus-cni.io/default-network";

/// The error codes of this suite's own (docs/errors.md).
pub(crate) const NO_NETWORK: u64 = 110;
pub(crate) const NO_POD: u64 = 111;
pub(crate) const NO_DEVICE: u64 = 112;
pub(crate) const NO_CAPABILITY: u64 = 113;

/// How long the API server may take to notice a change of its own objects.
pub(crate) const SOON: Duration = Duration::from_secs(30);

const RECORDS: &str = "/var/lib/fastpath/multus-lite";
const LEASES: &str = "/var/lib/cni/networks";

/// One test's part of the cluster and of the host.
pub(crate) struct Scene {
    /// The cluster.
    pub(crate) api: &'static Cluster,
    /// Namespace, and first part of the name of all else.
    pub(crate) name: &'static str,
    /// The plugin `one`, `two`, `three`.
    pub(crate) marker: Marker,
    kubeconfig: PathBuf,
}

/// A pod of the API server, and the sandbox that a runtime would have made.
pub(crate) struct Pod {
    /// Its sandbox.
    pub(crate) netns: Netns,
    /// Its name.
    pub(crate) name: String,
    /// As the API server says.
    pub(crate) uid: String,
    container: String,
    args: String,
    plugin: Plugin,
}

/// A file of the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// A configuration of the plugin that leaves marks.
pub(crate) fn mark(plugin: &str) -> Value {
    json!({"cniVersion": "1.1.0", "type": plugin})
}

/// Debian's bridge and host-local; addresses `10.<net>.0.x`.
pub(crate) fn bridge(bridge: &str, net: u8) -> Value {
    json!({"cniVersion": "1.0.0", "type": "bridge", "bridge": bridge, "ipam": host_local(net)})
}

/// host-local for `10.<net>.0.0/24`.
pub(crate) fn host_local(net: u8) -> Value {
    json!({"type": "host-local", "ranges": [[{"subnet": format!("10.{net}.0.0/24")}]]})
}

/// An interface of the host that macvlan can sit on.
pub(crate) fn parent(name: &str) {
    let other = format!("{name}-p");
    integration::run("ip", &["link", "add", name, "type", "veth", "peer", "name", &other]);
    integration::run("ip", &["link", "set", name, "up"]);
}

/// A `NetworkAttachmentDefinition`; `config` as text.
pub(crate) fn definition(namespace: &str, name: &str, config: &str) -> Value {
    json!({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
           "metadata": {"name": name, "namespace": namespace}, "spec": {"config": config}})
}

/// Objects for one `kubectl apply`.
pub(crate) fn list(items: impl IntoIterator<Item = Value>) -> Value {
    let items: Vec<_> = items.into_iter().collect();
    json!({"apiVersion": "v1", "kind": "List", "items": items})
}

/// The API server with what `deploy` installs, and the kubeconfig of its service account.
fn installed() -> (&'static Cluster, &'static Path) {
    static KUBECONFIG: OnceLock<PathBuf> = OnceLock::new();
    let api = bed::api();
    let kubeconfig = KUBECONFIG.get_or_init(|| {
        for file in ["deploy/crd.yaml", "deploy/multus-lite-rbac.yaml"] {
            api.apply_file(&repository(file));
        }
        let kind = "crd/network-attachment-definitions.k8s.cni.cncf.io";
        api.kubectl(&["wait", "--for=condition=established", "--timeout=60s", kind]);
        eventually(SOON, "the kind", || api.try_kubectl(&["get", "net-attach-def"]).is_ok());
        let hour = Duration::from_hours(1);
        let token = api.service_account_token("kube-system", "multus-lite", hour);
        let kubeconfig = api.kubeconfig_for(&api.token_file("multus-lite", &token.token));
        let user = format!("--kubeconfig={}", kubeconfig.display());
        let may = ["auth", "can-i", "patch", "pods", "--subresource=status", &user];
        eventually(SOON, "the role", || api.try_kubectl(&may).is_ok());
        kubeconfig
    });
    (api, kubeconfig)
}

impl Scene {
    /// The namespace `name` with these networks.
    pub(crate) fn new(name: &'static str, networks: &[(&str, Value)]) -> Self {
        let (api, kubeconfig) = installed();
        let namespace =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        let networks = networks.iter().map(|(n, config)| definition(name, n, &config.to_string()));
        api.apply(&list([namespace].into_iter().chain(networks)));
        let marker = Marker::install(format!("/run/scenes/{name}"), &["one", "two", "three"]);
        Self { api, name, marker, kubeconfig: kubeconfig.into() }
    }

    /// A configuration whose default network is `one`, with these keys added or replaced.
    pub(crate) fn conf(&self, keys: &Value) -> Value {
        let default = with(&mark("one"), &json!({"name": self.network("default")}));
        let base = json!({
            "cniVersion": "1.1.0", "name": self.name, "type": "multus-lite",
            "kubeconfig": self.kubeconfig, "delegates": [default],
        });
        with(&base, keys)
    }

    /// A name for a network or a device of this test alone.
    pub(crate) fn network(&self, name: &str) -> String {
        format!("{}-{name}", self.name)
    }

    /// A directory with these files, for `confDir`.
    pub(crate) fn conf_dir(&self, name: &str, files: &[(&str, &str)]) -> PathBuf {
        let dir = self.marker.dir().join(name);
        fs::create_dir_all(&dir).unwrap();
        for (file, content) in files {
            fs::write(dir.join(file), content).unwrap();
        }
        dir
    }

    /// A pod that asks for these networks.
    pub(crate) fn pod(&self, name: &str, networks: &str) -> Pod {
        self.annotated(name, &json!({ NETWORKS: networks }))
    }

    /// A pod with these annotations.
    pub(crate) fn annotated(&self, name: &str, annotations: &Value) -> Pod {
        self.create(&busybox_pod(self.name, name, annotations))
    }

    /// This pod.
    pub(crate) fn create(&self, object: &Value) -> Pod {
        self.create_all(std::slice::from_ref(object)).remove(0)
    }

    /// These pods, which takes no longer than one.
    pub(crate) fn create_all(&self, objects: &[Value]) -> Vec<Pod> {
        self.api.apply(&list(objects.iter().cloned()));
        let all = self.api.get(&["pods", "-n", self.name]);
        let uid_of = |name: &Value| {
            let mut pods = all["items"].as_array().unwrap().iter();
            let pod = pods.find(|pod| pod["metadata"]["name"] == *name).unwrap();
            pod["metadata"]["uid"].as_str().unwrap().to_owned()
        };
        let names = objects.iter().map(|object| &object["metadata"]["name"]);
        names.map(|name| self.sandbox(name.as_str().unwrap(), uid_of(name))).collect()
    }

    /// A sandbox for the pod `name`.
    pub(crate) fn sandbox(&self, name: &str, uid: String) -> Pod {
        let container = self.network(&name.replace(['.', '/'], "x"));
        let namespace = self.name;
        let args = format!(
            "IgnoreUnknown=1;K8S_POD_NAMESPACE={namespace};K8S_POD_NAME={name};\
             K8S_POD_INFRA_CONTAINER_ID={container};K8S_POD_UID={uid}"
        );
        let plugin = Plugin::new("multus-lite")
            .path(&self.marker.dir().join("bin").display().to_string())
            .path(&cni_plugins().display().to_string())
            .args(&args);
        Pod { netns: Netns::new(), name: name.into(), uid, container, args, plugin }
    }

    /// Deletes a pod; nothing waits for a node.
    pub(crate) fn delete(&self, pod: &str) {
        self.api.kubectl(&["delete", "pod", "-n", self.name, pod, "--force", "--grace-period=0"]);
    }

    /// The pod's annotation network-status, as text; null without it.
    pub(crate) fn status_text(&self, pod: &str) -> Value {
        self.api.get(&["pod", "-n", self.name, pod])["metadata"]["annotations"][STATUS].clone()
    }

    /// The pod's annotation network-status.
    pub(crate) fn status(&self, pod: &str) -> Value {
        let text = self.status_text(pod);
        serde_json::from_str(text.as_str().unwrap_or("null")).unwrap()
    }

    /// What attachments of this test have left: marks, records, leases.
    pub(crate) fn left(&self) -> Vec<String> {
        let own = |name: &String| name.contains(&format!("{}-", self.name));
        let mut left = self.marker.marks();
        left.extend(listing(RECORDS).into_iter().filter(own));
        for network in listing(LEASES).iter().filter(|network| own(network)) {
            let leases = listing(Path::new(LEASES).join(network)).into_iter();
            left.extend(leases.filter(|file| file.starts_with(|c: char| c.is_ascii_digit())));
        }
        left
    }

    /// Nothing is left, neither on the host nor in these pods.
    #[track_caller]
    pub(crate) fn assert_clean(&self, pods: &[&Pod]) {
        assert_eq!(self.left(), [""; 0], "{}", self.name);
        for pod in pods {
            assert_eq!(pod.interfaces(), [""; 0], "{}", pod.name);
        }
    }
}

impl Pod {
    /// ADD.
    #[must_use]
    pub(crate) fn add(&self, conf: &Value) -> Output {
        self.plugin.add(conf, &self.container, "eth0", self.netns.path())
    }

    /// DEL.
    #[must_use]
    pub(crate) fn del(&self, conf: &Value) -> Output {
        self.plugin.del(conf, &self.container, "eth0", self.netns.path())
    }

    /// CHECK.
    #[must_use]
    pub(crate) fn check(&self, conf: &Value) -> Output {
        self.plugin.check(conf, &self.container, "eth0", self.netns.path())
    }

    /// The same pod, with more in `CNI_ARGS`.
    pub(crate) fn with_args(mut self, more: &str) -> Self {
        self.plugin = self.plugin.args(&format!("{};{more}", self.args));
        self
    }

    /// A call of this verb where directories of the test stand in the place of the host's.
    #[must_use]
    pub(crate) fn call_with(&self, verb: &str, conf: &Value, dirs: &[(&Path, &str)]) -> Output {
        let mut call = self.plugin.victim(verb, conf, &self.container, "eth0", self.netns.path());
        let script = r#"
            while [ $# != 0 ]; do mkdir -p "$2" && mount --bind "$1" "$2" || exit; shift 2; done
            exec "$0""#;
        let program = std::mem::replace(&mut call.program, "/usr/bin/unshare".into());
        let words = ["--mount", "--propagation", "private", "/bin/bash", "-c", script];
        call.args = words.iter().map(Into::into).collect();
        call.args.push(program.into());
        for (from, over) in dirs {
            call.args.extend([from.into(), over.into()]);
        }
        testkit::cni::run(&call)
    }

    /// Its interfaces, but for lo.
    pub(crate) fn interfaces(&self) -> Vec<String> {
        let links = ip_json(Some(self.netns.name()), &["link", "show"]);
        let names = links.as_array().unwrap().iter();
        let names = names.map(|link| link["ifname"].as_str().unwrap().to_owned());
        names.filter(|name| name != "lo").collect()
    }

    /// The addresses of an interface, but for link-local ones, with prefix length.
    pub(crate) fn addresses(&self, interface: &str) -> Vec<String> {
        let show = ip_json(Some(self.netns.name()), &["addr", "show", interface]);
        let all = show[0]["addr_info"].as_array().unwrap().iter();
        let global = all.filter(|address| address["scope"] == "global");
        global.map(|a| format!("{}/{}", a["local"].as_str().unwrap(), a["prefixlen"])).collect()
    }
}
