//! A node: containerd and kubelet, running real pods.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::access::node_user;
use super::cgroup::Cgroup;
use super::cluster::write;
use super::containerd::Containerd;
use super::node_config::NodeConfig;
use super::{Cluster, host, programs};
use crate::daemon::Daemon;
use crate::netns::Netns;
use crate::process::output;

const READY: Duration = Duration::from_mins(1);

/// What the node is called.
pub const NODE_NAME: &str = "node1";
/// The node's address, on a bridge `node1`, since a loopback address is refused.
pub const NODE_ADDRESS: &str = "192.0.2.1";

/// The one node of a cluster. On drop its containers and daemons end.
#[derive(Debug)]
pub struct Node<'a> {
    cluster: &'a Cluster,
    // Ended in this order.
    kubelet: Option<Daemon>,
    kubelet_since: String,
    containerd: Containerd,
    // Held for its drop.
    _cgroup: Cgroup,
    config: NodeConfig,
    dir: TempDir,
}

impl<'a> Node<'a> {
    /// Starts containerd, with this directory of CNI configurations and the plugins of these
    /// directories, and kubelet. A test process has one node at a time, on a [`private_host`], and
    /// the cluster's controllers must run.
    ///
    /// [`private_host`]: super::private_host
    #[must_use]
    pub fn start(cluster: &'a Cluster, cni_conf_dir: &Path, cni_bin_dirs: &[&Path]) -> Self {
        host::private_host();
        let dir = host::scratch();
        add_address();
        // The first `ip netns add` of all mounts /run/netns over itself: namespaces of pods that are
        // there by then could not be removed any more.
        drop(Netns::new());
        let cgroup = Cgroup::make();
        let config = NodeConfig {
            dir: dir.path().into(),
            runc: programs::program("runc"),
            cni_conf_dir: cni_conf_dir.into(),
            address: NODE_ADDRESS.into(),
            cgroup_root: cgroup.path(),
            kubeconfig: cluster.user_kubeconfig(&node_user()),
            authority: cluster.ca_file(),
        };
        let containerd = Containerd::start(&config, cni_bin_dirs);
        fs::create_dir(dir.path().join("static-pods")).unwrap();
        let kubelet_since = String::new();
        let mut node = Self {
            cluster,
            kubelet: None,
            kubelet_since,
            containerd,
            _cgroup: cgroup,
            config,
            dir,
        };
        node.start_kubelet();
        node
    }

    /// Waits until the kubelet that runs has found the node ready for pods, which takes a CNI
    /// configuration; panics after a minute.
    pub fn wait_ready(&self) {
        let start = Instant::now();
        while !self.is_ready() {
            assert!(start.elapsed() < READY, "the node is not ready:\n{}", self.tails());
            sleep(Duration::from_millis(100));
        }
    }

    /// Its condition outlives kubelet for a while, so one from before does not count.
    fn is_ready(&self) -> bool {
        let node = self.cluster.get(&["node", NODE_NAME]);
        let conditions = node["status"]["conditions"].as_array();
        conditions.into_iter().flatten().any(|condition| {
            let heartbeat = condition["lastHeartbeatTime"].as_str().unwrap_or_default();
            condition["type"] == "Ready"
                && condition["status"] == "True"
                && heartbeat > self.kubelet_since.as_str()
        })
    }

    /// Starts kubelet, after [`kill_kubelet`](Self::kill_kubelet).
    pub fn start_kubelet(&mut self) {
        assert!(self.kubelet.is_none(), "kubelet runs already");
        write(&self.dir.path().join("kubelet.json"), &self.config.kubelet());
        // As kubelet writes it: such texts sort by time.
        self.kubelet_since = output("date", &["--utc", "+%Y-%m-%dT%H:%M:%SZ"]).trim().into();
        self.kubelet = Some(programs::start(
            &programs::program("kubelet"),
            self.dir.path(),
            self.config.kubelet_args(),
        ));
    }

    /// Kills kubelet on the spot; pods go on.
    pub fn kill_kubelet(&mut self) {
        self.kubelet.as_mut().expect("kubelet runs").kill();
        self.kubelet = None;
    }

    /// Kills containerd on the spot and starts it again; pods go on.
    pub fn restart_containerd(&mut self) {
        self.containerd.restart();
    }

    /// Runs containerd's client on what belongs to Kubernetes and returns what it printed.
    pub fn ctr(&self, args: &[&str]) -> String {
        self.containerd.ctr(args)
    }

    /// The ids of a pod's sandboxes, the dead ones too while they are not cleaned up: what a CNI
    /// plugin gets as container id.
    pub fn sandboxes(&self, namespace: &str, pod: &str) -> Vec<String> {
        self.containerd.sandboxes(namespace, pod)
    }

    /// The network namespace of a pod with one sandbox, as `ip -n` knows it.
    pub fn netns(&self, namespace: &str, pod: &str) -> String {
        let sandboxes = self.sandboxes(namespace, pod);
        let [sandbox] = sandboxes.as_slice() else {
            panic!("pod {namespace}/{pod} has not one sandbox but {sandboxes:?}");
        };
        let path = PathBuf::from(self.containerd.netns(sandbox));
        path.file_name().unwrap().to_string_lossy().into_owned()
    }

    /// The directory from which kubelet runs pods of its own accord; they are called `NAME-node1`.
    #[must_use]
    pub fn static_pods(&self) -> PathBuf {
        self.dir.path().join("static-pods")
    }

    /// The last lines of all logs, for the report of a failure.
    pub fn tails(&self) -> String {
        let kubelet = self.kubelet.iter().map(Daemon::tail);
        kubelet.chain([self.containerd.tail(), self.cluster.tails()]).collect()
    }
}

/// Gives the node its address, unless an earlier node of this process did.
fn add_address() {
    let address = format!("{NODE_ADDRESS}/24");
    if !Path::new("/proc/sys/net/ipv4/conf").join(NODE_NAME).exists() {
        output("ip", &["link", "add", NODE_NAME, "type", "bridge"]);
        output("ip", &["addr", "add", &address, "dev", NODE_NAME]);
        output("ip", &["link", "set", NODE_NAME, "up"]);
    }
}
