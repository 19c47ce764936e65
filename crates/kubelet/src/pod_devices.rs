//! The devices of one pod, each handed out once.

use std::fmt;

use indexmap::{IndexMap, IndexSet};

/// Resource -> ids of its devices, both in kubelet's order.
pub type Resources = IndexMap<String, IndexSet<String>>;

/// Who told the devices of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// `Get` of `PodResources` v1: kubelet 1.27 with a feature gate, 1.34 without.
    Get,
    /// `List` of `PodResources` v1: kubelet 1.20.
    List,
    /// `List` of `PodResources` v1alpha1: kubelet before 1.20.
    ListV1alpha1,
    /// The file in which kubelet keeps its allocations. Its order of containers means nothing, and
    /// a device that an init container had may be in it beside those of the others.
    Checkpoint,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Get => "PodResources v1 Get",
            Self::List => "PodResources v1 List",
            Self::ListV1alpha1 => "PodResources v1alpha1 List",
            Self::Checkpoint => "the device checkpoint",
        })
    }
}

/// Devices of one resource in one container, as a source tells them; several may tell of the same two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Container.
    pub container: String,
    /// Extended resource, `fastpath.dev/vf`.
    pub resource: String,
    /// Ids that the device plugin gave its devices.
    pub ids: Vec<String>,
}

/// The devices of one pod.
///
/// A new kubelet gives an init container's device to a later container as well, so an id may be in
/// two containers; it is still one device, handed out once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodDevices {
    source: Source,
    containers: IndexMap<String, Resources>,
    pools: IndexMap<String, Pool>,
}

/// All devices of one resource; the first `taken` are handed out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Pool {
    ids: IndexSet<String>,
    taken: usize,
}

impl PodDevices {
    /// The devices of a pod, by the order of `assignments`.
    pub fn new(source: Source, assignments: impl IntoIterator<Item = Assignment>) -> Self {
        let mut containers = IndexMap::<String, Resources>::new();
        for Assignment { container, resource, ids } in assignments {
            containers.entry(container).or_default().entry(resource).or_default().extend(ids);
        }
        let mut pools = IndexMap::<String, Pool>::new();
        for (resource, ids) in containers.values().flatten() {
            pools.entry(resource.clone()).or_default().ids.extend(ids.iter().cloned());
        }
        pools.retain(|_, pool| !pool.ids.is_empty());
        Self { source, containers, pools }
    }

    /// Who told.
    #[must_use]
    pub fn source(&self) -> Source {
        self.source
    }

    /// Container -> its devices; containers that kubelet tells no devices of are missing.
    #[must_use]
    pub fn containers(&self) -> &IndexMap<String, Resources> {
        &self.containers
    }

    /// Whether the pod has no device at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pools.is_empty()
    }

    /// Resources of the pod with the number of their devices, handed out or not.
    pub fn resources(&self) -> impl Iterator<Item = (&str, usize)> {
        self.pools.iter().map(|(resource, pool)| (resource.as_str(), pool.ids.len()))
    }

    /// How many devices of `resource` can still be taken.
    #[must_use]
    pub fn remaining(&self, resource: &str) -> usize {
        self.pools.get(resource).map_or(0, |pool| pool.ids.len() - pool.taken)
    }

    /// The next device of `resource`, each once: containers in order, ids in order.
    pub fn take(&mut self, resource: &str) -> Option<String> {
        let pool = self.pools.get_mut(resource)?;
        let id = pool.ids.get_index(pool.taken)?.clone();
        pool.taken += 1;
        Some(id)
    }

    /// [`PodDevices::resources`] as text for messages: `fastpath.dev/vf: 2, ...` or `none`.
    #[must_use]
    pub fn summary(&self) -> String {
        if self.is_empty() {
            return "none".to_owned();
        }
        let counts = self.resources().map(|(resource, count)| format!("{resource}: {count}"));
        counts.collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assignment(container: &str, resource: &str, ids: &[&str]) -> Assignment {
        Assignment {
            container: container.to_owned(),
            resource: resource.to_owned(),
            ids: ids.iter().map(ToString::to_string).collect(),
        }
    }

    fn pod(assignments: &[Assignment]) -> PodDevices {
        PodDevices::new(Source::List, assignments.iter().cloned())
    }

    #[test]
    fn two_containers_of_one_resource_are_served_in_order() {
        let mut pod = pod(&[
            assignment("b", "x/vf", &["9", "3"]),
            assignment("b", "x/gpu", &["0"]),
            assignment("a", "x/vf", &["1"]),
        ]);
        assert_eq!(pod.resources().collect::<Vec<_>>(), [("x/vf", 3), ("x/gpu", 1)]);
        let taken: Vec<_> = std::iter::from_fn(|| pod.take("x/vf")).collect();
        assert_eq!(taken, ["9", "3", "1"]);
        assert_eq!((pod.remaining("x/vf"), pod.remaining("x/gpu")), (0, 1));
        assert_eq!(pod.summary(), "x/vf: 3, x/gpu: 1");
    }

    #[test]
    fn a_device_of_two_containers_or_nodes_is_one_device() {
        let mut pod = pod(&[
            assignment("init", "x/vf", &["1"]),
            assignment("app", "x/vf", &["1", "1"]),
            assignment("app", "x/vf", &["2", "1"]),
        ]);
        assert_eq!(pod.containers()["app"]["x/vf"].iter().collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(pod.remaining("x/vf"), 2);
        assert_eq!(
            (pod.take("x/vf").unwrap(), pod.take("x/vf").unwrap()),
            ("1".into(), "2".into())
        );
        assert_eq!(pod.take("x/vf"), None);
    }

    #[test]
    fn the_same_id_of_two_resources_is_two_devices() {
        let mut pod = pod(&[assignment("a", "x/vf", &["1"]), assignment("a", "y/vf", &["1"])]);
        assert_eq!(pod.take("x/vf").as_deref(), Some("1"));
        assert_eq!(pod.take("y/vf").as_deref(), Some("1"));
    }

    #[test]
    fn a_resource_without_devices_is_none() {
        let mut pod = pod(&[assignment("a", "x/vf", &[])]);
        assert!(pod.is_empty());
        assert_eq!(pod.summary(), "none");
        assert_eq!((pod.take("x/vf"), pod.remaining("x/vf")), (None, 0));
    }
}
