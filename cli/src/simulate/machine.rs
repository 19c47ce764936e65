//! A node of the cluster: what it publishes, what it really is, and how much of it is free.

use policy::{Datapath, Node, bucket};

use super::room::Room;

/// A node of the cluster.
#[derive(Clone)]
pub(super) struct Machine {
    /// What it publishes.
    pub(super) node: Node,
    /// All that it has.
    pub(super) whole: Room,
    /// What of it no pod has.
    pub(super) free: Room,
    really: Latencies,
}

/// What the paths of a node really take at p99, µs, published or not. None where it lacks the path, or nobody
/// knows.
#[derive(Clone, Copy)]
pub(super) struct Latencies {
    pub(super) vf: Option<f64>,
    pub(super) ovs_dpdk: Option<f64>,
    pub(super) kernel: Option<f64>,
}

impl Machine {
    /// One without pods.
    pub(super) fn new(node: Node, whole: Room, really: Latencies) -> Self {
        Self { node, whole, free: whole, really }
    }

    /// What a path of it really takes, µs.
    pub(super) fn p99_us(&self, path: Datapath) -> Option<f64> {
        self.really.of(path)
    }
}

impl Latencies {
    fn of(&self, path: Datapath) -> Option<f64> {
        match path {
            Datapath::Vf => self.vf,
            Datapath::OvsDpdk => self.ovs_dpdk,
            Datapath::Kernel => self.kernel,
            Datapath::Ovn => None,
        }
    }

    /// What the agent of such a node publishes, with figures or without.
    pub(super) fn published(&self, measured: bool) -> Node {
        let mut labels = Vec::new();
        for path in [Datapath::Vf, Datapath::OvsDpdk, Datapath::Kernel] {
            let Some(us) = self.of(path) else { continue };
            labels.push((path.label(), "true".to_owned()));
            if measured {
                labels.push((path.p99_label(), bucket(us).to_string()));
            }
        }
        let label = |key: &str| {
            labels.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
        };
        Node::from_metadata(label, |_| None)
    }
}
