//! Where definitions of pods and networks come from: one seam, whose first source is the API server.

mod api_server;

use std::collections::BTreeMap;

use apiserver::Reason;
use npwg::NetworkAttachmentDefinition;

pub(crate) use api_server::ApiServer;

/// A source of definitions. Calls block, all together no longer than the source was told when it was
/// made; the time between them does not count.
pub(crate) trait Definitions: Send + Sync {
    /// A pod. Which one is meant matters where another of the same name stood before: without its
    /// `uid` any of them will do.
    fn pod(&self, namespace: &str, name: &str, uid: Option<&str>) -> Result<Pod, DefinitionError>;

    /// A network.
    fn network(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<NetworkAttachmentDefinition, DefinitionError>;

    /// Sets one annotation of this very pod (its uid has to match).
    fn annotate(&self, pod: &Pod, key: &str, value: &str) -> Result<(), DefinitionError>;
}

/// What of a pod matters to its networks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pod {
    /// Its namespace.
    pub(crate) namespace: String,
    /// Its name.
    pub(crate) name: String,
    /// `metadata.uid`: a pod of the same name that was created later has another one.
    pub(crate) uid: String,
    /// `metadata.annotations`.
    pub(crate) annotations: BTreeMap<String, String>,
    /// Names of its containers in the order of the spec, then of its init containers, each with the
    /// resources it requests (extended ones, those with a `/`).
    pub(crate) containers: Vec<(String, Vec<String>)>,
}

/// Why a definition could not be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DefinitionError {
    /// There is none.
    #[error("{kind} {namespace}/{name} does not exist")]
    Missing { kind: &'static str, namespace: String, name: String },
    /// The pod was deleted, and one of the same name stands in its place.
    #[error("pod {namespace}/{name} was re-created: the one with uid {uid} is gone")]
    Replaced { namespace: String, name: String, uid: String },
    /// The source does not know the kind, at least not yet.
    #[error("{operation} failed")]
    UnknownKind {
        operation: String,
        #[source]
        reason: Reason,
    },
    /// Anything else that the API server did not do.
    #[error(transparent)]
    Api(apiserver::Error),
}
