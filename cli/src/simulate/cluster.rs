//! The cluster of a simulation: its nodes, as a file describes them in groups.

use anyhow::{Result, ensure};
use fastrand::Rng;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::file::Place;
use super::machine::{Latencies, Machine};
use super::room::Room;
use crate::yaml;

/// The longest p99 that a report may have, µs.
const LONGEST_US: f64 = 3.6e9;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    seed: u64,
    nodes: Vec<Spanned<Group>>,
}

/// Nodes that are alike but for what they measure.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Group {
    name: String,
    count: usize,
    cpus: u64,
    /// kubelet's `maxPods`.
    #[serde(default = "kubelets_pods")]
    pods: u64,
    /// How many of 100 nodes publish figures of their paths.
    #[serde(default = "all")]
    measured_percent: u8,
    vf: Option<Devices>,
    vhostuser: Option<Devices>,
    /// Least and greatest p99 of the kernel's path, µs.
    kernel_p99_us: [f64; 2],
}

/// The devices that a node has for a path.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Devices {
    count: u64,
    /// Least and greatest p99, µs.
    p99_us: [f64; 2],
}

fn kubelets_pods() -> u64 {
    110
}

fn all() -> u8 {
    100
}

/// Reads a cluster. The same text is always the same cluster.
pub(super) fn parse(text: &str) -> Result<Vec<Machine>> {
    let file: File = yaml::parse(text)?;
    let mut rng = Rng::with_seed(file.seed);
    let mut machines = Vec::new();
    for Spanned { value: group, referenced, .. } in &file.nodes {
        group.check(&Place { line: referenced.line(), group: &group.name }, machines.len())?;
        machines.extend((0..group.count).map(|_| group.machine(&mut rng)));
    }
    ensure!(!machines.is_empty(), "nodes is empty: there must be a group of nodes");
    // kube-scheduler looks at a part of the nodes; that is not to be one group.
    rng.shuffle(&mut machines);
    Ok(machines)
}

impl Group {
    fn check(&self, place: &Place<'_>, before: usize) -> Result<()> {
        place.check_count(self.count, before)?;
        for (key, amount) in [
            ("cpus", self.cpus),
            ("pods", self.pods),
            ("vf.count", count(self.vf.as_ref())),
            ("vhostuser.count", count(self.vhostuser.as_ref())),
        ] {
            place.check_amount(key, amount)?;
        }
        let percent = self.measured_percent;
        place.check(percent <= 100, "measuredPercent", percent, "from 0 to 100")?;
        let figures = [
            ("vf.p99Us", self.vf.as_ref().map(|devices| &devices.p99_us)),
            ("vhostuser.p99Us", self.vhostuser.as_ref().map(|devices| &devices.p99_us)),
            ("kernelP99Us", Some(&self.kernel_p99_us)),
        ];
        for (key, range) in figures.into_iter().filter_map(|(key, range)| Some((key, range?))) {
            place.check_range(key, range, &1.0)?;
            place.check(range[1] <= LONGEST_US, key, range[1], "an hour at most")?;
        }
        Ok(())
    }

    fn machine(&self, rng: &mut Rng) -> Machine {
        let whole = Room {
            cpus: self.cpus,
            pods: self.pods,
            vf: count(self.vf.as_ref()),
            vhostuser: count(self.vhostuser.as_ref()),
        };
        let mut draw = |devices: &Option<Devices>| {
            devices.as_ref().filter(|some| some.count > 0).map(|some| p99(rng, some.p99_us))
        };
        let (vf, ovs_dpdk) = (draw(&self.vf), draw(&self.vhostuser));
        let really = Latencies { vf, ovs_dpdk, kernel: Some(p99(rng, self.kernel_p99_us)) };
        let measured = rng.u8(0..100) < self.measured_percent;
        Machine::new(really.published(measured), whole, really)
    }
}

fn count(devices: Option<&Devices>) -> u64 {
    devices.map_or(0, |some| some.count)
}

/// A p99 of a range. Latencies lie apart by factors.
fn p99(rng: &mut Rng, [low, high]: [f64; 2]) -> f64 {
    low * (high / low).powf(rng.f64())
}

#[cfg(test)]
#[path = "cluster_tests.rs"]
mod tests;
