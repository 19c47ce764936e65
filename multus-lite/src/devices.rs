//! Which device a network attaches: the next one of its resource that kubelet gave the pod.

use std::collections::BTreeSet;
use std::time::Instant;

use kubelet::{Assignment, PodDevices, PodKey, Source, closest};

use crate::definitions::Pod;
use crate::error::MultusError;

/// A device of a resource.
#[derive(Debug, Clone)]
pub(crate) struct Device {
    pub(crate) resource: String,
    pub(crate) id: String,
}

/// The devices of a pod; each is handed out once.
#[derive(Debug)]
pub(crate) struct Devices {
    given: PodDevices,
    pod: String,
    /// What its containers ask for, for messages.
    requested: BTreeSet<String>,
}

impl Devices {
    /// Asks kubelet, which knows the pod by `uid`.
    ///
    /// # Errors
    /// It does not answer by the deadline, and left no checkpoint.
    pub(crate) fn of(
        paths: &kubelet::Paths,
        pod: &Pod,
        uid: &str,
        deadline: Instant,
    ) -> Result<Self, MultusError> {
        let key = PodKey {
            namespace: pod.namespace.clone(),
            name: pod.name.clone(),
            uid: uid.to_owned(),
        };
        let given = in_order(kubelet::pod_devices(paths, &key, deadline)?, pod);
        Ok(Self {
            given,
            pod: format!("{}/{}", pod.namespace, pod.name),
            requested: pod.containers.iter().flat_map(|(_, names)| names).cloned().collect(),
        })
    }

    /// The next device of a resource, for this network.
    ///
    /// # Errors
    /// There is none (left).
    pub(crate) fn take(&mut self, resource: &str, network: &str) -> Result<Device, MultusError> {
        if let Some(id) = self.given.take(resource) {
            return Ok(Device { resource: resource.to_owned(), id });
        }
        Err(MultusError::NoDevice {
            network: network.to_owned(),
            resource: resource.to_owned(),
            pod: self.pod.clone(),
            why: self.why_none(resource),
        })
    }

    fn why_none(&self, resource: &str) -> String {
        if self.requested.contains(resource) && self.given.is_empty() {
            return "kubelet gave it none yet".to_owned();
        }
        if self.requested.contains(resource) {
            return format!("kubelet gave it {}, which other networks have", self.given.summary());
        }
        match closest(resource, self.requested.iter().map(String::as_str)) {
            Some(closest) => format!("the pod requests none; closest: {closest}"),
            None => "the pod requests none".to_owned(),
        }
    }
}

/// The checkpoint has the containers in no order: here they are as in the pod.
fn in_order(devices: PodDevices, pod: &Pod) -> PodDevices {
    if devices.source() != Source::Checkpoint {
        return devices;
    }
    let place = |name: &str| pod.containers.iter().position(|(n, _)| n == name);
    let mut containers: Vec<_> = devices.containers().iter().collect();
    containers.sort_by_key(|(name, _)| place(name).unwrap_or(usize::MAX));
    let assignments = containers.into_iter().flat_map(|(container, resources)| {
        resources.iter().map(move |(resource, ids)| Assignment {
            container: container.clone(),
            resource: resource.clone(),
            ids: ids.iter().cloned().collect(),
        })
    });
    PodDevices::new(Source::Checkpoint, assignments)
}
