//! A Kubernetes of one's own: etcd, an API server and, where wanted, the rest of a control plane and
//! a node that runs pods.
//!
//! Every test process makes its own from nothing, in 5 to 10 s; `$FASTPATH_K8S_DIR` has the programs
//! (`integration/k8s/binaries.sh` gathers them). An API server alone touches nothing of the machine
//! but free ports of its loopback. A [`Node`] needs namespaces of its own, see [`private_host`].
//!
//! ```no_run
//! use serde_json::json;
//! use testkit::k8s::{Cluster, Node, busybox_pod, private_host};
//!
//! private_host();
//! let cluster = Cluster::with_controllers();
//! let node = Node::start(&cluster, "/etc/cni/net.d".as_ref(), &["/usr/lib/cni".as_ref()]);
//! node.wait_ready();
//! cluster.apply(&busybox_pod("default", "pod1", &json!({"k8s.v1.cni.cncf.io/networks": "net1"})));
//! cluster.wait_pod_running("default", "pod1");
//! println!("{}", cluster.pod_exec("default", "pod1", &["ip", "addr"]));
//! cluster.delete_pod("default", "pod1");
//! ```

mod access;
mod audit;
mod cgroup;
mod cluster;
mod containerd;
mod host;
mod kubectl;
mod node;
mod node_config;
mod pki;
mod pods;
mod programs;

pub use access::Token;
pub use audit::Request;
pub use cluster::Cluster;
pub use host::private_host;
pub use node::{NODE_ADDRESS, NODE_NAME, Node};
pub use node_config::NodeConfig;
pub use pods::busybox_pod;
pub use programs::{cni_plugins, dir as programs_dir};
