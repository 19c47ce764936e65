//! Failures of this crate.

use std::io;
use std::path::PathBuf;

use crate::PodKey;

/// Failures of asking kubelet. The variant is the operation, the fields its object.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The runtime for the call cannot be made: out of descriptors or memory.
    #[error("start the runtime for calls to kubelet")]
    Runtime {
        /// Cause.
        source: io::Error,
    },
    /// Nobody listens at the socket, or it is not there.
    #[error("connect to kubelet at {socket}")]
    Connect {
        /// Socket.
        socket: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// kubelet refused a call, or what it answered is not gRPC or too long.
    #[error("call {method} of kubelet at {socket}: {code:?}: {reason}")]
    Call {
        /// Path of the method.
        method: &'static str,
        /// Socket.
        socket: PathBuf,
        /// gRPC's class of failure.
        code: tonic::Code,
        /// kubelet's words, or what went wrong with the connection.
        reason: String,
    },
    /// The deadline went by.
    #[error("kubelet at {socket} did not answer in time")]
    Timeout {
        /// Socket.
        socket: PathBuf,
    },
    /// kubelet has no pod of that name.
    #[error("kubelet knows no pod {pod}")]
    UnknownPod {
        /// Pod.
        pod: PodKey,
    },
    /// kubelet has several pods of that name (one still being removed): which one is meant?
    #[error("kubelet lists {count} pods {pod}")]
    AmbiguousPod {
        /// Pod.
        pod: PodKey,
        /// How many.
        count: usize,
    },
    /// The checkpoint is missing or cannot be read.
    #[error("read kubelet's checkpoint {path}")]
    ReadCheckpoint {
        /// File.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// The checkpoint is not of a known shape.
    #[error("decode kubelet's checkpoint {path}")]
    DecodeCheckpoint {
        /// File.
        path: PathBuf,
        /// Cause.
        source: serde_json::Error,
    },
    /// The checkpoint lists pods by UID, and the container runtime passed none.
    #[error("look up pod {pod} in kubelet's checkpoint: its UID is not known")]
    NoUid {
        /// Pod.
        pod: PodKey,
    },
    /// Neither the service nor the checkpoint tells.
    #[error("devices of pod {pod} are not known ({checkpoint})")]
    NoSource {
        /// Pod.
        pod: PodKey,
        /// What is wrong with the checkpoint, with its causes.
        checkpoint: String,
        /// What is wrong with the service.
        source: Box<Error>,
    },
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
