//! How the daemons of a node are configured, in this process' namespaces as in a VM.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::node::NODE_NAME;

/// What differs from node to node. Paths are those that the daemons see.
#[derive(Debug)]
pub struct NodeConfig {
    /// The node's own directory. `cni-bin` in it has the plugins, `containerd.toml` and `kubelet.json` are the
    /// configurations.
    pub dir: PathBuf,
    /// The program `runc`.
    pub runc: PathBuf,
    /// Where containerd looks for networks.
    pub cni_conf_dir: PathBuf,
    /// The node's address, no loopback address.
    pub address: String,
    /// The cgroup that kubelet works in.
    pub cgroup_root: String,
    /// How kubelet reaches the API server.
    pub kubeconfig: PathBuf,
    /// Whose certificates kubelet's clients have.
    pub authority: PathBuf,
}

impl NodeConfig {
    /// Where containerd listens.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.dir.join("containerd.sock")
    }

    /// containerd's configuration. Root may lack the right to lower an OOM score, and the machine `AppArmor`'s
    /// tools. A pod's user owns the devices that the pod is given.
    #[must_use]
    pub fn containerd(&self) -> String {
        let path = |name: &str| self.dir.join(name).display().to_string();
        format!(
            r#"version = 2
root = "{root}"
state = "{state}"
[grpc]
  address = "{socket}"
[ttrpc]
  address = "{socket}.ttrpc"
[plugins."io.containerd.internal.v1.opt"]
  path = "{opt}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "registry.k8s.io/pause:test"
  disable_apparmor = true
  restrict_oom_score_adj = true
  device_ownership_from_security_context = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{plugins}"
    conf_dir = "{cni_conf_dir}"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
      BinaryName = "{runc}"
"#,
            root = path("containerd"),
            state = path("containerd-state"),
            socket = self.socket().display(),
            opt = path("containerd-opt"),
            plugins = path("cni-bin"),
            cni_conf_dir = self.cni_conf_dir.display(),
            runc = self.runc.display(),
        )
    }

    /// kubelet's configuration.
    #[must_use]
    pub fn kubelet(&self) -> Value {
        json!({
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "authentication": {
                "anonymous": {"enabled": false},
                "webhook": {"enabled": false},
                "x509": {"clientCAFile": self.authority},
            },
            "authorization": {"mode": "AlwaysAllow"},
            "address": self.address,
            "healthzPort": 0,
            "readOnlyPort": 0,
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": self.cgroup_root,
            "enforceNodeAllocatable": [],
            "failSwapOn": false,
            "makeIPTablesUtilChains": false,
            "volumePluginDir": self.dir.join("volume-plugins"),
            // A machine with a full disk still runs the tests.
            "evictionHard": {"memory.available": "50Mi", "nodefs.available": "1%"},
            "imageGCHighThresholdPercent": 100,
            "imageGCLowThresholdPercent": 99,
            "nodeStatusUpdateFrequency": "1s",
            "staticPodPath": self.dir.join("static-pods"),
        })
    }

    /// kubelet's options.
    #[must_use]
    pub fn kubelet_args(&self) -> Vec<String> {
        vec![
            format!("--config={}", self.dir.join("kubelet.json").display()),
            format!("--kubeconfig={}", self.kubeconfig.display()),
            format!("--hostname-override={NODE_NAME}"),
            format!("--node-ip={}", self.address),
            format!("--cert-dir={}", self.dir.join("kubelet-pki").display()),
            "--container-runtime=remote".into(),
            format!("--container-runtime-endpoint=unix://{}", self.socket().display()),
            "--pod-infra-container-image=registry.k8s.io/pause:test".into(),
        ]
    }
}
