//! What became of the pods.

use policy::Datapath;

use super::machine::Machine;
use super::run::Fate;
use super::trace::{Need, Pod};

/// Pods of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) pods: u64,
    pub(super) placed: u64,
    /// Those of them whose path on their node really takes no longer than their budget.
    pub(super) kept: u64,
}

/// What became of all pods.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Those that need a fast path, and may have one.
    pub(super) fast: Count,
    /// Those for which the kernel's path is enough.
    pub(super) slow: Count,
    /// Those whose budget no path keeps.
    pub(super) impossible: Count,
    pub(super) refused: u64,
    pub(super) unschedulable: u64,
    /// VFs of pods that a slower path would have served.
    pub(super) wasted_vfs: u64,
    /// Pods that need no fast path, on nodes that have one.
    pub(super) slow_on_fast: u64,
}

impl Tally {
    pub(super) fn add(&mut self, pod: &Pod, fate: &Fate<'_>) {
        let need = Need::of(pod.budget);
        let count = match need {
            Need::Fast(_) => &mut self.fast,
            Need::Slow => &mut self.slow,
            Need::Impossible => &mut self.impossible,
        };
        count.pods += 1;
        match fate {
            Fate::Refused => self.refused += 1,
            Fate::Unschedulable => self.unschedulable += 1,
            Fate::Placed { path, on } => {
                count.placed += 1;
                count.kept += u64::from(keeps(on, *path, pod));
                let served_slower = matches!(need, Need::Slow | Need::Fast(Datapath::OvsDpdk));
                self.wasted_vfs += u64::from(*path == Datapath::Vf && served_slower);
                self.slow_on_fast += u64::from(need == Need::Slow && on.node.is_fast());
            }
        }
    }
}

/// Whether the path of the node really takes no longer than the pod bears. Without a budget it bears anything.
fn keeps(machine: &Machine, path: Datapath, pod: &Pod) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 µs")]
    let within = |budget_us: u64| machine.p99_us(path).is_some_and(|us| us <= budget_us as f64);
    pod.budget.is_none_or(|budget| within(budget.us()))
}
