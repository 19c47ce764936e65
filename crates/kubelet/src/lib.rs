//! What kubelet tells the programs of its node: which devices a pod has.
//!
//! Touches: kubelet's `PodResources` socket (gRPC over plaintext HTTP/2) and, where that does not
//! answer, the file in which kubelet keeps the same for itself. Both are read only. Knows neither
//! networks nor the API server.

#![forbid(unsafe_code)]

mod checkpoint;
mod closest;
mod error;
#[cfg(test)]
mod fake;
pub mod fuzz;
mod messages;
mod pod_devices;
mod podresources;
#[cfg(test)]
mod tests;

pub use closest::closest;
pub use error::Error;
pub use pod_devices::{Assignment, PodDevices, Resources, Source};

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Most that an answer or the checkpoint may be: what kubelet's own clients allow.
const MAX_BYTES: usize = 16 << 20;

/// Where kubelet listens and writes; the default is where it does so unless told otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// Socket of the `PodResources` service.
    pub pod_resources: PathBuf,
    /// Checkpoint of the device manager.
    pub checkpoint: PathBuf,
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            pod_resources: "/var/lib/kubelet/pod-resources/kubelet.sock".into(),
            checkpoint: "/var/lib/kubelet/device-plugins/kubelet_internal_checkpoint".into(),
        }
    }
}

/// A pod as the container runtime names it; shown as `namespace/name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodKey {
    /// `K8S_POD_NAMESPACE`.
    pub namespace: String,
    /// `K8S_POD_NAME`.
    pub name: String,
    /// `K8S_POD_UID`, by which the checkpoint lists pods; empty where the runtime passes none.
    pub uid: String,
}

impl fmt::Display for PodKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// The devices that kubelet has allocated to `pod`; asks the `PodResources` service for the pod, then
/// for all pods, and reads the checkpoint where the service is missing or does not tell.
///
/// Blocks until `deadline` at the longest, however silent kubelet is. A pod without devices is an
/// empty answer, not an error.
///
/// # Errors
/// [`Error::UnknownPod`] where kubelet answers but knows no such pod (any more),
/// [`Error::NoSource`] where nothing can be read.
///
/// # Panics
/// When called from asynchronous code, as it drives a runtime of its own.
pub fn pod_devices(paths: &Paths, pod: &PodKey, deadline: Instant) -> Result<PodDevices, Error> {
    let devices = match podresources::ask(&paths.pod_resources, pod, deadline) {
        Ok(devices) => devices,
        Err(refused) => from_checkpoint(paths, pod, refused)?,
    };
    log::debug!("devices of pod {pod}, from {}: {}", devices.source(), devices.summary());
    Ok(devices)
}

/// Every pod that kubelet knows by its `PodResources` service at `socket`; their uids are empty, since
/// the service does not name them. A kubelet that has just started knows none until it has heard of
/// them.
///
/// Blocks until `deadline` at the longest.
///
/// # Errors
/// Nobody answers at the socket, or not in time.
///
/// # Panics
/// When called from asynchronous code, as it drives a runtime of its own.
pub fn known_pods(socket: &Path, deadline: Instant) -> Result<Vec<PodKey>, Error> {
    podresources::list(socket, deadline)
}

fn from_checkpoint(paths: &Paths, pod: &PodKey, refused: Error) -> Result<PodDevices, Error> {
    log::debug!("{}; reading {}", error::chain(&refused), paths.checkpoint.display());
    match checkpoint::read(&paths.checkpoint, pod) {
        // Pods without devices are not in there: what it lacks may well be a pod that is no more.
        Ok(devices) if devices.is_empty() && matches!(refused, Error::UnknownPod { .. }) => {
            Err(refused)
        }
        Ok(devices) => Ok(devices),
        Err(checkpoint) => Err(Error::NoSource {
            pod: pod.clone(),
            checkpoint: error::chain(&checkpoint),
            source: Box::new(refused),
        }),
    }
}
