//! Pods come and go.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use policy::Datapath;

use super::algorithm::Algorithm;
use super::kube_scheduler::KubeScheduler;
use super::machine::Machine;
use super::room::Room;
use super::trace::Pod;

/// Places the pods, which are in the order of their coming, on nodes that are empty at first, and says of each
/// what became of it. A pod that finds no node does not wait for one.
pub(super) fn run(
    algorithm: &dyn Algorithm,
    machines: Vec<Machine>,
    pods: &[Pod],
    mut tell: impl FnMut(&Pod, &Fate<'_>),
) {
    let mut world = World { machines, ends: BinaryHeap::new() };
    let mut scheduler = KubeScheduler::new();
    for pod in pods {
        world.end_pods(pod.arrives_ms);
        let Some(path) = algorithm.path(pod) else {
            tell(pod, &Fate::Refused);
            continue;
        };
        let wanted = Room::of_pod(pod.cpus, path);
        let score = |machine: &Machine| algorithm.score(pod, path, machine);
        match scheduler.choose(&world.machines, &wanted, score) {
            None => tell(pod, &Fate::Unschedulable),
            Some(index) => {
                world.start_pod(index, wanted, pod.ends_ms);
                tell(pod, &Fate::Placed { path, on: &world.machines[index] });
            }
        }
    }
}

/// What became of a pod.
pub(super) enum Fate<'a> {
    /// It was refused when it was created.
    Refused,
    /// No node had room for it.
    Unschedulable,
    /// It runs, on a path of a node.
    Placed { path: Datapath, on: &'a Machine },
}

struct World {
    machines: Vec<Machine>,
    /// When the running pods end, the next one first; and what it gives back where.
    ends: BinaryHeap<Reverse<(u64, usize, Room)>>,
}

impl World {
    fn start_pod(&mut self, index: usize, taken: Room, ends_ms: u64) {
        self.machines[index].free.take(&taken);
        self.ends.push(Reverse((ends_ms, index, taken)));
    }

    /// Ends the pods whose time has come.
    fn end_pods(&mut self, now_ms: u64) {
        while let Some(&Reverse((ends_ms, index, taken))) = self.ends.peek()
            && ends_ms <= now_ms
        {
            self.machines[index].free.give_back(&taken);
            self.ends.pop();
        }
    }
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
