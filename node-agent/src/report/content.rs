//! What is told of the node. Pure.

use std::collections::BTreeMap;

use policy::{Datapath, Report};

use crate::inventory::Inventory;

/// What the node offers to pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    /// The paths that a pod can have.
    pub(crate) paths: Vec<Datapath>,
    /// Virtual functions, in use or not.
    pub(crate) vfs: usize,
    /// Open vSwitch has set up DPDK.
    pub(crate) ovs_dpdk: bool,
}

impl Facts {
    /// What a node offers that hands out all that it has.
    pub(crate) fn of(inventory: &Inventory) -> Self {
        let vfs = inventory.functions.iter().filter(|function| function.pf.is_some()).count();
        let switch = inventory.switch.as_ref();
        let ovs_dpdk = switch.is_some_and(|switch| switch.dpdk_initialized);
        let chassis = switch.is_some_and(|switch| switch.chassis.is_some());
        let paths = [
            (Datapath::Vf, vfs > 0),
            (Datapath::OvsDpdk, ovs_dpdk),
            (Datapath::Ovn, chassis),
            (Datapath::Kernel, true),
        ];
        let paths = paths.into_iter().filter_map(|(path, there)| there.then_some(path)).collect();
        Self { paths, vfs, ovs_dpdk }
    }
}

/// What is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Content {
    /// Labels.
    pub(crate) labels: BTreeMap<String, String>,
    /// The measured report as one line of JSON, for the annotation.
    pub(crate) report: Option<String>,
}

impl Content {
    /// A path that the node does not offer has no figure either, whatever was measured once: a pod
    /// is placed by the figure alone.
    pub(crate) fn of(facts: &Facts, report: Option<&Report>, legacy_labels: bool) -> Self {
        let mut labels = BTreeMap::new();
        for path in &facts.paths {
            labels.insert(path.label(), true.to_string());
            if let Some(us) = report.and_then(|report| report.published_p99_us(*path)) {
                labels.insert(path.p99_label(), us.to_string());
            }
        }
        if legacy_labels {
            labels.insert("dpdk".to_owned(), facts.vfs.to_string());
            labels.insert("ovs-dpdk".to_owned(), facts.ovs_dpdk.to_string());
        }
        // One that was read can be written.
        let report = report.and_then(|report| report.to_json().ok());
        Self { labels, report }
    }
}

#[cfg(test)]
#[path = "content_tests.rs"]
mod tests;
