//! Bands that fit what was measured.

use std::collections::BTreeMap;
use std::iter;

use crate::{Band, Bands, Datapath, PathReport, Report};

/// What the reports say of one path's band.
#[derive(Debug, Clone, PartialEq)]
pub struct Suggestion {
    /// The path.
    pub path: Datapath,
    /// What was measured; none when no node measured it without loss.
    pub figures: Option<Figures>,
    /// Nodes that are left out, because they measured it and lost packets.
    pub lossy: Vec<String>,
    /// The band, or why there is none.
    pub band: Result<Band, Refusal>,
}

/// The p99 of a path over the nodes that lost no packet.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// How many nodes.
    pub nodes: usize,
    /// Median over the nodes, µs.
    pub median_us: f64,
    /// The worst node's, µs.
    pub worst_us: f64,
    /// That node.
    pub worst_node: String,
}

/// Why no band is suggested for a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No report has it.
    #[error("not measured")]
    NotMeasured,
    /// Packets were lost wherever it was measured.
    #[error("never measured without loss")]
    Lossy,
    /// Its band would be empty: a path after it, which costs a node less, holds the same budgets.
    #[error("not faster than {than}")]
    NotFaster {
        /// That path.
        than: Datapath,
    },
}

/// A suggestion for each path that the default table has a band for, in its order.
///
/// A band starts at the p99 that every node holds, the worst one's, rounded up to 1, 2 or 5 times a
/// power of ten µs; it ends where the next path's starts. Of a node the latest report counts, and in it
/// the path with a pod (`<path>-pod`), or, where there is none, the slowest measurement of the path.
#[must_use]
pub fn suggest(reports: &[Report]) -> Vec<Suggestion> {
    let latest = latest(reports);
    let mut suggestions: Vec<_> =
        Bands::default().iter().map(|band| measured(band.path, &latest)).collect();
    let mut slower: Option<Band> = None;
    for Suggestion { path, figures, band, .. } in suggestions.iter_mut().rev() {
        let Some(figures) = figures else { continue };
        let lower_us = round_up(figures.worst_us);
        *band = match slower {
            Some(next) if next.lower_us <= lower_us => Err(Refusal::NotFaster { than: next.path }),
            _ => {
                let upper_us = slower.map(|next| next.lower_us);
                Ok(Band { path: *path, lower_us, first: false, upper_us })
            }
        };
        slower = band.ok().or(slower);
    }
    if let Some(first) = suggestions.iter_mut().find_map(|one| one.band.as_mut().ok()) {
        first.first = true;
    }
    suggestions
}

/// The latest report of each node.
fn latest(reports: &[Report]) -> Vec<&Report> {
    let mut latest = BTreeMap::<&str, &Report>::new();
    for report in reports {
        let known = latest.entry(&report.node).or_insert(report);
        if known.measured_at < report.measured_at {
            *known = report;
        }
    }
    latest.into_values().collect()
}

/// What the nodes measured of `path`, without a band yet.
fn measured(path: Datapath, reports: &[&Report]) -> Suggestion {
    let mut p99 = Vec::new();
    let mut lossy = Vec::new();
    for report in reports {
        let paths = of_path(report, path);
        let without_loss = paths.iter().filter(|one| one.loss_free()).filter_map(|one| one.us);
        match without_loss.map(|us| us.p99).max_by(f64::total_cmp) {
            Some(us) => p99.push((us, report.node.as_str())),
            None if paths.is_empty() => {}
            None => lossy.push(report.node.clone()),
        }
    }
    let refusal = if lossy.is_empty() { Refusal::NotMeasured } else { Refusal::Lossy };
    Suggestion { path, figures: figures(p99), lossy, band: Err(refusal) }
}

/// The measurements of `path` that count.
fn of_path(report: &Report, path: Datapath) -> Vec<&PathReport> {
    let all = report.paths.iter().filter(|one| one.path == path);
    match all.clone().find(|one| one.name == format!("{path}-pod")) {
        Some(pod) => vec![pod],
        None => all.collect(),
    }
}

/// Of the nodes' p99.
fn figures(mut p99: Vec<(f64, &str)>) -> Option<Figures> {
    p99.sort_by(|a, b| a.0.total_cmp(&b.0));
    let &(worst_us, worst_node) = p99.last()?;
    let (below, above) = ((p99.len() - 1) / 2, p99.len() / 2);
    let median_us = f64::midpoint(p99[below].0, p99[above].0);
    Some(Figures { nodes: p99.len(), median_us, worst_us, worst_node: worst_node.to_owned() })
}

/// The least of 1, 2, 5, 10, 20, 50, ... that is not below `us`; the greatest `u64` has where all are.
fn round_up(us: f64) -> u64 {
    let decades = iter::successors(Some(1_u64), |decade| decade.checked_mul(10));
    let mut steps = decades.flat_map(|decade| [1, 2, 5].map(|step| decade.saturating_mul(step)));
    #[expect(clippy::cast_precision_loss, reason = "exact for every step up to an hour")]
    steps.find(|&step| step as f64 >= us).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "suggest_tests.rs"]
mod tests;
