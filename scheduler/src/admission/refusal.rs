//! Why a pod is not created, or not changed: for whoever asked for it.

use http::StatusCode;
use policy::{Budget, Datapath};

/// What is wrong with a pod, and what would work.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The budget, or another annotation of ours.
    #[error("{0}")]
    Policy(#[from] policy::Error),
    /// The annotation that names networks, or a definition.
    #[error("{0}")]
    Shape(#[from] npwg::Error),
    /// No path is both fast enough and asked for.
    #[error(
        "the pod names networks, but none is known to be on a path that serves a budget of {budget}, as {path} is: \
         name one with the label fastpath.dev/path={path}, or name none and one is chosen"
    )]
    NoPath {
        /// The budget.
        budget: Budget,
        /// The path of its band.
        path: Datapath,
    },
    /// What the pod asks for by name is too slow.
    #[error(
        "{what} is on path {path}, which cannot serve a budget of {budget}: \
         that takes {wanted}. Take it away, or allow more latency"
    )]
    TooSlow {
        /// The network or the resource.
        what: String,
        /// Its path.
        path: Datapath,
        /// The budget.
        budget: Budget,
        /// The path of the budget's band.
        wanted: Datapath,
    },
    /// The pod names no network, and not exactly one is labelled for its path.
    #[error(
        "the pod names no network, and not one but {found} of {namespaces} have the label fastpath.dev/path={path}: \
         name one in the annotation k8s.v1.cni.cncf.io/networks, or label exactly one"
    )]
    Networks {
        /// The path.
        path: Datapath,
        /// Their names, or "none".
        found: String,
        /// Where they were looked for.
        namespaces: String,
    },
    /// A network that the pod names is not there.
    #[error("the pod names network {0}, which does not exist")]
    Missing(String),
    /// The container that is to have the devices is not there.
    #[error("the pod has no container {name:?} to request devices for; it has {has}")]
    Container {
        /// What `fastpath.dev/container` says.
        name: String,
        /// Those that it has, or "none".
        has: String,
    },
    /// It is no pod that an API server would send.
    #[error("{place} of the pod is not {want}")]
    Malformed {
        /// JSON pointer.
        place: String,
        /// What it should be.
        want: &'static str,
    },
    /// What was decided at its creation is to be changed.
    #[error(
        "annotation {0} is decided when a pod is created and holds for its life: create another pod"
    )]
    Decided(&'static str),
    /// It says itself what is to be decided.
    #[error(
        "annotation fastpath.dev/path is {found:?}, but this pod's path is {path}: leave the annotation away, it is set by admission"
    )]
    Stamped {
        /// What it says.
        found: String,
        /// What it should.
        path: Datapath,
    },
    /// The definitions cannot be had at the moment.
    #[error("networks cannot be looked up: {0}. Try again")]
    Unavailable(String),
}

impl Refusal {
    /// As which HTTP status it is told.
    #[must_use]
    pub fn code(&self) -> StatusCode {
        match self {
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Malformed { .. } => StatusCode::BAD_REQUEST,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }
}
