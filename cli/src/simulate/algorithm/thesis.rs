//! The thesis' way: constants choose the path, and any node that has it will do.

use policy::Datapath;

use super::{Algorithm, BEST, least_allocated};
use crate::simulate::machine::Machine;
use crate::simulate::trace::Pod;

/// Its thresholds, and a node of the class at random. Its bugs are fixed: every threshold is owned once, free VFs
/// and sockets are counted and come back, all nodes that it could choose are seen, and pods that are
/// no concern of it spread as ever.
pub(in crate::simulate) struct Thesis;

impl Algorithm for Thesis {
    fn name(&self) -> &'static str {
        "thesis"
    }

    fn path(&self, pod: &Pod) -> Option<Datapath> {
        match pod.budget.map(policy::Budget::us) {
            Some(..800) => None,
            Some(800..=5000) => Some(Datapath::Vf),
            Some(5001..=10_000) => Some(Datapath::OvsDpdk),
            Some(10_001..) | None => Some(Datapath::Kernel),
        }
    }

    fn score(&self, pod: &Pod, path: Datapath, machine: &Machine) -> Option<u64> {
        match path {
            // Label `dpdk`, whose number is above 0, or `ovs-dpdk=true`: a node that has room has the path.
            // Neither figures nor load are looked at.
            Datapath::Vf | Datapath::OvsDpdk => Some(0),
            // The default scheduler's choice, among nodes without DPDK as long as there are such.
            Datapath::Kernel | Datapath::Ovn => {
                let saved = pod.budget.is_some() && !machine.node.is_fast();
                Some(u64::from(saved) * 2 * BEST + least_allocated(pod, machine))
            }
        }
    }
}
