//! Names of the annotations.

/// Of a pod: the networks it selects, besides the default one (multi-net-spec 4.1).
pub const NETWORKS: &str = "k8s.v1.cni.cncf.io/networks";

/// Of a pod, written by us: what was attached (multi-net-spec 5).
pub const NETWORK_STATUS: &str = "k8s.v1.cni.cncf.io/network-status";

/// Of a network: the extended resource whose devices it attaches.
pub const RESOURCE_NAME: &str = "k8s.v1.cni.cncf.io/resourceName";

/// Of a pod: the network that takes the place of the cluster's default; same form as [`NETWORKS`].
pub const DEFAULT_NETWORK: &str = "v1.multus-cni.io/default-network";

/// Of a pod, written by kubelet: where its definition comes from. Anything but `api` is a static
/// pod, which has another uid at the API server.
pub const CONFIG_SOURCE: &str = "kubernetes.io/config.source";
