//! A network as the cluster defines it (multi-net-spec 3.2).

/// What matters of a `NetworkAttachmentDefinition` (`k8s.cni.cncf.io/v1`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkAttachmentDefinition {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Annotation `k8s.v1.cni.cncf.io/resourceName`: the extended resource whose devices it attaches.
    pub resource_name: Option<String>,
    /// `spec.config`: a configuration or a list, as text. Empty: it is a file on the node's disk.
    pub config: String,
}
