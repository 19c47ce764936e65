//! What the algorithms that are compared have to decide. All of them work within kube-scheduler, which counts
//! CPUs, pods and devices for each alike.

mod blind;
mod ours;
mod thesis;

use policy::Datapath;

use super::machine::Machine;
use super::trace::Pod;

pub(super) use blind::Blind;
pub(super) use ours::Ours;
pub(super) use thesis::Thesis;

/// A way to place pods.
pub(super) trait Algorithm: Sync {
    /// What it is called in tables.
    fn name(&self) -> &'static str;

    /// The path that a pod gets; none when it is refused at its creation.
    fn path(&self, pod: &Pod) -> Option<Datapath>;

    /// How well a node that has room suits the pod; none when the pod may not go there.
    fn score(&self, pod: &Pod, path: Datapath, machine: &Machine) -> Option<u64>;
}

/// The best score of one of kube-scheduler's own plug-ins.
const BEST: u64 = 100;

/// kube-scheduler's `LeastAllocated`, as far as CPUs go: the share that is still free with the pod there.
fn least_allocated(pod: &Pod, machine: &Machine) -> u64 {
    let left = machine.free.cpus.saturating_sub(pod.cpus);
    (left * BEST).checked_div(machine.whole.cpus).unwrap_or_default()
}

#[cfg(test)]
#[path = "algorithm/tests.rs"]
mod tests;
