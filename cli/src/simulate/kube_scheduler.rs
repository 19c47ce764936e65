//! kube-scheduler's part: which nodes are looked at, and which one of the best.

use fastrand::Rng;

use super::machine::Machine;
use super::room::Room;

/// kube-scheduler looks for no more nodes than this, whatever the share.
const LEAST_NODES: usize = 100;

pub(super) struct KubeScheduler {
    /// Where the next pod's search begins.
    start: usize,
    /// Chooses among equals.
    rng: Rng,
}

impl KubeScheduler {
    pub(super) fn new() -> Self {
        Self { start: 0, rng: Rng::with_seed(0) }
    }

    /// The node with the best score of those that have room and a score; one of them at random where several
    /// are best. In a large cluster the search ends when a part of the nodes is found.
    pub(super) fn choose(
        &mut self,
        machines: &[Machine],
        wanted: &Room,
        score: impl Fn(&Machine) -> Option<u64>,
    ) -> Option<usize> {
        let enough = enough(machines.len());
        let (later, sooner) = machines.split_at(self.start);
        let from_start = sooner.iter().zip(self.start..).chain(later.iter().zip(0..));
        let (mut found, mut equals, mut best) = (0, 0, None);
        for (machine, index) in from_start {
            if !machine.free.holds(wanted) {
                continue;
            }
            let Some(score) = score(machine) else { continue };
            let former = best.map(|(best, _)| best);
            if former < Some(score) {
                (best, equals) = (Some((score, index)), 1);
            } else if former == Some(score) {
                equals += 1;
                if self.rng.usize(0..equals) == 0 {
                    best = Some((score, index));
                }
            }
            found += 1;
            if found == enough {
                self.start = (index + 1) % machines.len();
                break;
            }
        }
        best.map(|(_, index)| index)
    }
}

/// How many nodes with room are enough (`percentageOfNodesToScore` 0): the larger a cluster, the less of it.
fn enough(nodes: usize) -> usize {
    let percent = 50_usize.saturating_sub(nodes / 125).max(5);
    (nodes * percent / 100).max(LEAST_NODES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_cluster_is_looked_at_in_parts() {
        for (nodes, found) in [(50, 100), (100, 100), (1000, 420), (5000, 500), (15_000, 750)] {
            assert_eq!(enough(nodes), found, "{nodes}");
        }
    }
}
