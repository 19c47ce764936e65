//! The manifests in deploy/: what the API server makes of them, and whether that is enough for what
//! the node-agent has to do. No image: its programs are run from where they were built, its pod with
//! busybox.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::cni::{Plugin, bin_dir};
use testkit::k8s::{Cluster, Token, busybox_pod, cni_plugins};
use testkit::netns::Netns;
use testkit::wait::eventually;

use crate::bed;
use crate::node_state::SOON;

const NAMESPACE: &str = "kube-system";
/// Where the plugins are in the image.
const IN_IMAGE: &str = "/cni";

fn manifests(name: &str) -> String {
    bed::repository().join("deploy").join(name).display().to_string()
}

/// The `DaemonSet` as an API server has it.
fn daemon_set(cluster: &Cluster) -> Value {
    cluster.get(&["daemonset", "node-agent", "-n", NAMESPACE])
}

/// A cluster with everything in deploy/, which has nothing to run it on.
fn deployed() -> Cluster {
    let api = bed::own_api();
    for file in ["crd.yaml", "multus-lite-rbac.yaml"] {
        api.apply_file(&bed::repository().join("deploy").join(file));
    }
    api.kubectl(&["apply", "-k", &manifests("node-agent-multus-lite")]);
    let served = || api.try_kubectl(&["get", "net-attach-def"]).is_ok();
    eventually(SOON, "the kind to be served", served);
    api
}

#[test]
fn what_the_daemon_set_installs_reaches_the_api_server() {
    let api = deployed();
    let network = json!({
        "apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
        "metadata": {"name": "red", "namespace": "default"},
        "spec": {"config": r#"{"cniVersion": "1.0.0", "type": "bridge", "bridge": "red"}"#},
    });
    api.apply(&network);
    let wants = json!({"k8s.v1.cni.cncf.io/networks": "red"});
    api.apply(&busybox_pod("default", "deployed", &wants));

    let node = InstalledNode::new(&api);
    let pod = Netns::new();
    let args = "IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=deployed";
    let path = format!("{}:{}", node.cni_bin_dir().display(), cni_plugins().display());
    let multus = Plugin::new("multus-lite").path(&path).args(args);
    let conf = node.conf();
    multus.add(&conf, "deployed", "eth0", pod.path()).expect_ok();
    multus.del(&conf, "deployed", "eth0", pod.path()).expect_ok();
    let annotations = &api.get(&["pod", "deployed"])["metadata"]["annotations"];
    let status = annotations["k8s.v1.cni.cncf.io/network-status"].as_str().unwrap();
    assert!(status.contains("default/red"), "{status}");

    node.uninstall();
    assert_eq!(integration::listing(&node.conf_dir), ["10-default.conf"]);
    assert_eq!(integration::listing(node.cni_bin_dir()), Vec::<String>::new());
}

/// A node on which the init container of the `DaemonSet` has run.
struct InstalledNode {
    root: tempfile::TempDir,
    /// multus-lite finds it at the path that the configuration names.
    conf_dir: PathBuf,
}

impl InstalledNode {
    fn new(api: &Cluster) -> Self {
        let root = tempfile::tempdir().unwrap();
        let conf_dir = PathBuf::from("/etc/cni/deployed");
        fs::create_dir_all(&conf_dir).unwrap();
        let default =
            json!({"cniVersion": "1.0.0", "name": "default", "type": "bridge", "bridge": "green"});
        fs::write(conf_dir.join("10-default.conf"), default.to_string()).unwrap();
        symlink("/etc", root.path().join("etc")).unwrap();
        for dir in ["opt/cni/bin", "var/lib"] {
            fs::create_dir_all(root.path().join(dir)).unwrap();
        }
        let node = Self { root, conf_dir };
        node.install(api);
        node
    }

    /// As the init container does it, but for the places.
    fn install(&self, api: &Cluster) {
        let account = self.root.path().join("account");
        fs::create_dir(&account).unwrap();
        let token: Token =
            api.service_account_token(NAMESPACE, "node-agent", Duration::from_hours(1));
        fs::write(account.join("token"), token.token).unwrap();
        fs::copy(api.ca_file(), account.join("ca.crt")).unwrap();
        let bin_dir = bin_dir().display().to_string();
        let init = daemon_set(api)["spec"]["template"]["spec"]["initContainers"][0].take();
        let args: Vec<String> = serde_json::from_value(init["args"].clone()).unwrap();
        assert!(args.iter().any(|arg| arg == IN_IMAGE), "{args:?}");
        let args = args.into_iter().map(|arg| if arg == IN_IMAGE { bin_dir.clone() } else { arg });
        let account = account.display().to_string();
        let conf_dir = self.conf_dir.display().to_string();
        let places = ["--service-account-dir", &account, "--cni-conf-dir", &conf_dir];
        let port = api.url().rsplit_once(':').unwrap().1.to_owned();
        let args: Vec<String> = args.chain(places.map(str::to_owned)).collect();
        self.agent(
            &args,
            &[("KUBERNETES_SERVICE_HOST", "127.0.0.1"), ("KUBERNETES_SERVICE_PORT", &port)],
        );
    }

    fn uninstall(&self) {
        self.agent(&["uninstall".to_owned()], &[]);
    }

    #[expect(clippy::disallowed_methods, reason = "the program that is tested")]
    fn agent(&self, args: &[String], environment: &[(&str, &str)]) {
        let mut command = Command::new(bin_dir().join("node-agent"));
        command.args(args).arg("--host-root").arg(self.root.path());
        let output = command.env_clear().envs(environment.iter().copied()).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn cni_bin_dir(&self) -> PathBuf {
        self.root.path().join("opt/cni/bin")
    }

    fn conf(&self) -> Value {
        let file = Path::new(&self.conf_dir).join("00-multus-lite.conf");
        serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
    }
}

#[test]
fn the_agents_pod_may_write_what_makes_vfs_without_being_privileged() {
    let (cluster, _node) = (bed::cluster(), bed::node());
    let render = ["apply", "--dry-run=client", "-o", "json", "-k", &manifests("node-agent")];
    let rendered: Value = serde_json::from_str(&cluster.kubectl(&render)).unwrap();
    let items = rendered["items"].as_array().unwrap();
    let of = |kind: &str| items.iter().find(|item| item["kind"] == kind).unwrap();
    for kind in ["ServiceAccount", "ConfigMap"] {
        cluster.apply(of(kind));
    }
    cluster.apply(&as_busybox(&of("DaemonSet")["spec"]["template"]));
    cluster.wait_pod_running(NAMESPACE, "node-agent");
    let inside = |script: &str| {
        let printed = cluster.pod_exec(NAMESPACE, "node-agent", &["sh", "-c", script]);
        printed.trim().to_owned()
    };
    // A mount that is read-only refuses before any right is looked at.
    assert_eq!(inside("test -w /sys/bus/pci/drivers_probe && echo writable"), "writable");
    let configuration = of("ConfigMap")["data"]["node-agent.yaml"].as_str().unwrap();
    assert_eq!(inside("cat /etc/fastpath/node-agent.yaml"), configuration.trim());
    assert_eq!(inside("test -c /dev/null && ls -d /var/lib/fastpath"), "/var/lib/fastpath");
    // CHOWN 0, DAC_OVERRIDE 1, FOWNER 3, NET_ADMIN 12, SYS_ADMIN 21.
    assert_eq!(inside("grep CapEff /proc/1/status"), "CapEff:\t000000000020100b");
    cluster.delete_pod(NAMESPACE, "node-agent");
    for object in ["serviceaccount/node-agent", "configmap/node-agent"] {
        cluster.kubectl(&["delete", "-n", NAMESPACE, object]);
    }
}

/// The agent's pod on the test's node, with busybox in the place of the agent.
fn as_busybox(template: &Value) -> Value {
    let busybox = busybox_pod(NAMESPACE, "node-agent", &template["metadata"]["annotations"]);
    let mut pod = busybox.clone();
    let spec = &mut pod["spec"];
    *spec = template["spec"].clone();
    spec["nodeName"] = busybox["spec"]["nodeName"].clone();
    spec["initContainers"] = json!([]);
    // This machine may be a container, without modules.
    let mut volumes = spec["volumes"].as_array_mut().unwrap().iter_mut();
    let modules = volumes.find(|volume| volume["name"] == "modules").unwrap();
    modules["hostPath"]["path"] = json!("/usr");

    let container = spec["containers"][0].as_object_mut().unwrap();
    container.insert("image".into(), busybox["spec"]["containers"][0]["image"].clone());
    for not_of_busybox in ["args", "startupProbe", "livenessProbe", "readinessProbe"] {
        container.remove(not_of_busybox);
    }
    // Mounts of the test's namespace are private; those of a node are shared.
    for mount in container["volumeMounts"].as_array_mut().unwrap() {
        mount.as_object_mut().unwrap().remove("mountPropagation");
    }
    pod
}
