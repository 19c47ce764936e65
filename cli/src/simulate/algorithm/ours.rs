//! latency-scheduler's way: the band chooses the path, the measurement chooses the node.

use jiff::Timestamp;
use policy::{Bands, Datapath, Demand};

use super::{Algorithm, BEST, least_allocated};
use crate::simulate::machine::Machine;
use crate::simulate::trace::Pod;

/// What a level of the extender's 0 to 10 counts: its weight, times 10 to be of kube-scheduler's scale.
const EXTENDER: u64 = 5 * BEST / 10;

/// kube-scheduler's weight of preferred node affinity.
const AFFINITY: u64 = 2;

/// Admission, node affinity and extender as they are shipped, each as `crates/policy` has it.
pub(in crate::simulate) struct Ours {
    bands: Bands,
    /// Reports are all of this time.
    now: Timestamp,
}

impl Default for Ours {
    fn default() -> Self {
        Self { bands: Bands::default(), now: Timestamp::UNIX_EPOCH }
    }
}

impl Algorithm for Ours {
    fn name(&self) -> &'static str {
        "fastpath"
    }

    fn path(&self, pod: &Pod) -> Option<Datapath> {
        pod.budget.map_or(Some(Datapath::Kernel), |budget| self.bands.path(budget).ok())
    }

    fn score(&self, pod: &Pod, path: Datapath, machine: &Machine) -> Option<u64> {
        let spread = least_allocated(pod, machine);
        // A pod without a budget is not touched.
        let Some(budget) = pod.budget else { return Some(spread) };
        // The extender is asked about pods with a resource of ours only; others have an affinity.
        if path == Datapath::Kernel {
            let plain = if machine.node.is_fast() { 0 } else { BEST };
            return Some(AFFINITY * plain + spread);
        }
        let demand = Demand { budget, path, interfaces: 1, require_measured: false };
        let fit = demand.fit(&machine.node, self.now).ok()?;
        Some(EXTENDER * u64::from(fit.score()) + spread)
    }
}
