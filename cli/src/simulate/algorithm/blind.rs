//! What a cluster does that knows no latencies.

use policy::Datapath;

use super::{Algorithm, least_allocated};
use crate::simulate::machine::Machine;
use crate::simulate::trace::Pod;

/// The stock kube-scheduler with device plugins. It counts extended resources, and that is all it knows of
/// them, so a pod gets what its author asks for by name (`asks` in the trace). Who does not say what that would be
/// is taken to know the bands by heart, which favours this algorithm. Nothing is refused, a slow VF is as good as
/// a quick one, and pods without a device spread over all nodes.
pub(in crate::simulate) struct Blind;

impl Algorithm for Blind {
    fn name(&self) -> &'static str {
        "latency-blind"
    }

    fn path(&self, pod: &Pod) -> Option<Datapath> {
        Some(pod.asks)
    }

    fn score(&self, pod: &Pod, _path: Datapath, machine: &Machine) -> Option<u64> {
        Some(least_allocated(pod, machine))
    }
}
