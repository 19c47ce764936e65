//! Why an API server did not do what it was asked.

/// Failures of this crate. The variant is what came of the question, the fields its object.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// How to reach the server cannot be read: kubeconfig, certificates, token.
    #[error("{path} cannot be used")]
    Access {
        /// The kubeconfig, or the directory that kubelet mounts.
        path: String,
        /// What is wrong with it.
        #[source]
        reason: Reason,
    },
    /// No answer, or none in time.
    #[error("{operation}: no answer from {server}")]
    Unreachable {
        /// What was asked for.
        operation: String,
        /// The server's address.
        server: String,
        /// Where it ended.
        #[source]
        reason: Reason,
    },
    /// The server does not accept our credentials, or they do not suffice.
    #[error("{operation} is not permitted")]
    Denied {
        /// What was asked for.
        operation: String,
        /// What the server said, and what to do.
        #[source]
        reason: Reason,
    },
    /// There is no such object.
    #[error("{operation}: it does not exist")]
    Missing {
        /// What was asked for.
        operation: String,
    },
    /// The server does not know the kind, at least not yet; or it is no API server.
    #[error("{operation} failed")]
    UnknownKind {
        /// What was asked for.
        operation: String,
        /// What the server said.
        #[source]
        reason: Reason,
    },
    /// Another refusal, or an answer that is no use.
    #[error("{operation} failed")]
    Failed {
        /// What was asked for.
        operation: String,
        /// What the server said.
        #[source]
        reason: Reason,
    },
}

/// Who was asked, what it answered and what to do; never a secret.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Reason(pub String);
