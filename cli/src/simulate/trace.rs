//! The pods of a simulation, in the order in which they come.

use anyhow::{Context, Result, ensure};
use fastrand::Rng;
use policy::{Bands, Budget, Datapath, LATENCY};
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::file::Place;
use crate::yaml;

/// The longest time of a trace: a year.
const LONGEST_S: u64 = 365 * 24 * 3600;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    seed: u64,
    pods: Vec<Spanned<Group>>,
}

/// Pods that are alike but for their times.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Group {
    name: String,
    count: usize,
    /// The annotation.
    latency: Option<String>,
    /// What their author asks for in a cluster that knows no latencies.
    asks: Option<Datapath>,
    cpus: u64,
    /// From when to when they are created.
    arrival_seconds: [u64; 2],
    /// How long the shortest and the longest of them run.
    lifetime_seconds: [u64; 2],
}

/// A pod.
pub(super) struct Pod {
    pub(super) arrives_ms: u64,
    pub(super) ends_ms: u64,
    pub(super) budget: Option<Budget>,
    /// The path whose resource its author would ask for by name.
    pub(super) asks: Datapath,
    pub(super) cpus: u64,
}

/// How much of the network a pod really needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// Less than any path keeps.
    Impossible,
    /// A fast path.
    Fast(Datapath),
    /// The kernel's path is enough.
    Slow,
}

/// Reads a trace. The same text is always the same trace.
pub(super) fn parse(text: &str) -> Result<Vec<Pod>> {
    let file: File = yaml::parse(text)?;
    let mut rng = Rng::with_seed(file.seed);
    let mut pods = Vec::new();
    for Spanned { value: group, referenced, .. } in &file.pods {
        let place = Place { line: referenced.line(), group: &group.name };
        group.check(&place, pods.len())?;
        let budget = group.budget().with_context(|| {
            format!("line {}: latency of {:?} is no budget", place.line, place.group)
        })?;
        pods.extend((0..group.count).map(|_| group.pod(budget, &mut rng)));
    }
    ensure!(!pods.is_empty(), "pods is empty: there must be a group of pods");
    pods.sort_by_key(|pod| pod.arrives_ms);
    Ok(pods)
}

impl Group {
    fn check(&self, place: &Place<'_>, before: usize) -> Result<()> {
        place.check_count(self.count, before)?;
        place.check_amount("cpus", self.cpus)?;
        place.check(self.asks != Some(Datapath::Ovn), "asks", "ovn", "vf, ovs-dpdk or kernel")?;
        for (key, range) in
            [("arrivalSeconds", &self.arrival_seconds), ("lifetimeSeconds", &self.lifetime_seconds)]
        {
            place.check_range(key, range, &0)?;
            place.check(range[1] <= LONGEST_S, key, range[1], "a year at most")?;
        }
        Ok(())
    }

    fn budget(&self) -> Result<Option<Budget>, policy::Error> {
        Budget::from_annotations(|key| self.latency.as_deref().filter(|_| key == LATENCY))
    }

    fn pod(&self, budget: Option<Budget>, rng: &mut Rng) -> Pod {
        let mut draw = |[from, to]: [u64; 2]| rng.u64(from * 1000..=to * 1000);
        let arrives_ms = draw(self.arrival_seconds);
        let ends_ms = arrives_ms + draw(self.lifetime_seconds);
        let asks = self.asks.unwrap_or(match Need::of(budget) {
            Need::Fast(path) => path,
            Need::Impossible => Datapath::Vf,
            Need::Slow => Datapath::Kernel,
        });
        Pod { arrives_ms, ends_ms, budget, asks, cpus: self.cpus }
    }
}

impl Need {
    /// What a budget needs by the default bands; without one any path will do.
    pub(super) fn of(budget: Option<Budget>) -> Self {
        match budget.map(|budget| Bands::default().path(budget)) {
            Some(Err(_too_low)) => Self::Impossible,
            Some(Ok(path @ (Datapath::Vf | Datapath::OvsDpdk))) => Self::Fast(path),
            Some(Ok(Datapath::Ovn | Datapath::Kernel)) | None => Self::Slow,
        }
    }
}

#[cfg(test)]
#[path = "trace_tests.rs"]
mod tests;
