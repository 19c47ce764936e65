//! What the table and the picture say in the same words.

use super::machine::Machine;
use super::tally::{Count, Tally};
use super::trace::{Need, Pod};

pub(super) const PLACED: &str = "low-latency pods placed";
pub(super) const KEPT: &str = "... where their budget is kept";
pub(super) const WASTED: &str = "VFs of pods that need none";
pub(super) const SLOW_ON_FAST: &str = "slow pods on fast nodes";

/// The cluster: `1000 nodes with 4800 VFs and 9600 vhost-user sockets`.
pub(super) fn cluster(machines: &[Machine]) -> String {
    let vfs: u64 = machines.iter().map(|machine| machine.whole.vf).sum();
    let sockets: u64 = machines.iter().map(|machine| machine.whole.vhostuser).sum();
    format!("{} nodes with {vfs} VFs and {sockets} vhost-user sockets", machines.len())
}

/// The trace: how many pods, and of which kinds.
pub(super) fn trace(pods: &[Pod]) -> String {
    let of =
        |wanted: fn(Need) -> bool| pods.iter().filter(|pod| wanted(Need::of(pod.budget))).count();
    format!(
        "{} pods: {} low-latency, {} slow, {} below what any path keeps",
        pods.len(),
        of(|need| matches!(need, Need::Fast(_))),
        of(|need| need == Need::Slow),
        of(|need| need == Need::Impossible),
    )
}

/// All pods together.
pub(super) fn all(tally: &Tally) -> Count {
    let kinds = [tally.fast, tally.slow, tally.impossible];
    kinds.iter().fold(Count::default(), |sum, kind| Count {
        pods: sum.pods + kind.pods,
        placed: sum.placed + kind.placed,
        kept: sum.kept + kind.kept,
    })
}

/// How many of 100; 0 of none.
#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 pods")]
pub(super) fn percentage(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

/// A percentage of pods. It is rounded down: 100 % are all.
pub(super) fn percent(part: u64, whole: u64) -> String {
    format!("{:.1} %", (percentage(part, whole) * 10.0).floor() / 10.0)
}
