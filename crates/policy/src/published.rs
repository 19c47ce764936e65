//! What a node publishes in the cluster: names, and for how long it holds.

use std::time::Duration;

use crate::{Datapath, PathReport, Report, bucket};

/// Annotation with the node's whole [`Report`], compact JSON.
pub const PATHS: &str = "fastpath.dev/paths";

/// Annotation with the time (RFC 3339) at which the node last published. Labels and report hold for
/// [`VALIDITY`] from then on. When the figures were measured is another matter: the report says it, and
/// they do not age by themselves.
pub const RENEWED: &str = "fastpath.dev/report-renewed";

/// How long what a node publishes holds without being renewed: its agent may be gone.
pub const VALIDITY: Duration = Duration::from_hours(1);

impl Datapath {
    /// The label that a node with this path has, with the value `true`.
    #[must_use]
    pub fn label(self) -> String {
        format!("fastpath.dev/{self}")
    }

    /// The label with the path's p99, µs, a whole number.
    #[must_use]
    pub fn p99_label(self) -> String {
        format!("fastpath.dev/{self}-p99-us")
    }

    /// The name of the measurement whose p99 is published: the one with a pod in the path, where there is
    /// one.
    fn published_measurement(self) -> &'static str {
        match self {
            Self::Vf => "vf-pod",
            Self::OvsDpdk => "ovs-dpdk-pod",
            // These are only measured between pods.
            Self::Ovn => "ovn",
            Self::Kernel => "kernel",
        }
    }
}

impl Report {
    /// The p99 of a path as it is published: with a pod in the path, rounded up to a
    /// [`bucket`](crate::bucket()). None when that was not measured, or packets were lost.
    #[must_use]
    pub fn published_p99_us(&self, path: Datapath) -> Option<u64> {
        let measured = self.published(path)?;
        let us = measured.us.filter(|_| measured.loss_free())?;
        Some(bucket(us.p99))
    }

    /// The measurement whose p99 is published.
    pub(crate) fn published(&self, path: Datapath) -> Option<&PathReport> {
        let name = path.published_measurement();
        self.paths.iter().find(|one| one.path == path && one.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report::from_json(include_bytes!("../corpus/report/full.json")).unwrap()
    }

    #[test]
    fn a_figure_is_that_of_the_path_with_a_pod_when_nothing_was_lost() {
        let report = report();
        assert_eq!(report.published_p99_us(Datapath::Vf), Some(20));
        assert!(report.paths.iter().any(|path| path.name == "ovs-dpdk-pod" && path.lost > 0));
        assert_eq!(report.published_p99_us(Datapath::OvsDpdk), None);
        // Only `kernel-pod` is in this report.
        assert_eq!(report.published_p99_us(Datapath::Kernel), None);
    }

    #[test]
    fn a_measurement_of_another_path_does_not_count() {
        let mut report = report();
        report.paths[0].path = Datapath::Ovn;
        assert_eq!(report.published_p99_us(Datapath::Vf), None);
        report.paths[2].name = "kernel".into();
        assert_eq!(report.published_p99_us(Datapath::Kernel), Some(140));
        report.paths[2].path = Datapath::Ovn;
        assert_eq!(report.published_p99_us(Datapath::Ovn), None);
        report.paths[2].name = "ovn".into();
        assert_eq!(report.published_p99_us(Datapath::Ovn), Some(140));
    }
}
