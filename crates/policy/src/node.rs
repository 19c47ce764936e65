//! What is known of a node: as much as placing a pod needs.

use std::time::Duration;

use jiff::Timestamp;

use crate::{Datapath, PATHS, RENEWED, Report, VALIDITY};

/// What a node publishes of its paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    paths: [Offer; Datapath::ALL.len()],
    /// When it last published; none when that is not said, as by Node Feature Discovery, which takes
    /// labels away itself when they are not renewed.
    renewed: Option<Timestamp>,
}

/// What a node says of one path.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Offer {
    /// Whether the node has the path.
    pub there: bool,
    /// The path's p99.
    pub figure: Figure,
    /// NUMA node of the device that was measured, where that is known.
    pub numa: Option<u32>,
    /// How many more of the path's resource can be had, where that is known. kube-scheduler keeps count;
    /// it tells nobody.
    pub free: Option<u64>,
}

/// The p99 of a path, as its label says it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Figure {
    /// There is no label.
    #[default]
    None,
    /// µs.
    P99(u64),
    /// It is no number. kube-scheduler lets no pod there, either.
    Unreadable,
}

impl Node {
    /// A node with these labels and annotations.
    pub fn from_metadata<'a>(
        label: impl Fn(&str) -> Option<&'a str>,
        annotation: impl Fn(&str) -> Option<&'a str>,
    ) -> Self {
        let report = annotation(PATHS).and_then(|json| Report::from_json(json.as_bytes()).ok());
        let paths = Datapath::ALL.map(|path| Offer {
            there: label(&path.label()) == Some("true"),
            figure: label(&path.p99_label()).map_or(Figure::None, Figure::parse),
            numa: report.as_ref().and_then(|report| report.published(path)?.numa),
            free: None,
        });
        // A time that cannot be read is none that a report could hold from.
        let renewed = annotation(RENEWED).map(|time| time.parse().unwrap_or(Timestamp::MIN));
        Self { paths, renewed }
    }

    /// What it says of a path.
    #[must_use]
    pub fn offer(&self, path: Datapath) -> &Offer {
        &self.paths[path as usize]
    }

    /// So many more of the path can be had.
    pub fn set_free(&mut self, path: Datapath, free: u64) {
        self.paths[path as usize].free = Some(free);
    }

    /// Whether it has a path that pods are better kept away from when they do not need it.
    #[must_use]
    pub fn is_fast(&self) -> bool {
        [Datapath::Vf, Datapath::OvsDpdk].iter().any(|path| self.offer(*path).there)
    }

    /// Whether what it publishes is out of date. A clock ahead of ours makes nothing older.
    #[must_use]
    pub fn expired(&self, now: Timestamp) -> bool {
        let age = |renewed| Duration::try_from(now.duration_since(renewed)).unwrap_or_default();
        self.renewed.is_some_and(|renewed| age(renewed) > VALIDITY)
    }
}

impl Figure {
    fn parse(label: &str) -> Self {
        let digits = !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_digit());
        label.parse().ok().filter(|_| digits).map_or(Self::Unreadable, Self::P99)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(labels: &[(&str, &str)], annotations: &[(&str, &str)]) -> Node {
        let get = |pairs: &[(&str, &str)], key: &str| -> Option<&'static str> {
            let (_, value) = pairs.iter().find(|(name, _)| *name == key)?;
            Some(String::from(*value).leak())
        };
        Node::from_metadata(|key| get(labels, key), |key| get(annotations, key))
    }

    #[test]
    fn each_path_has_its_own_labels() {
        let labels = [("fastpath.dev/vf", "true"), ("fastpath.dev/ovs-dpdk-p99-us", "90")];
        let node = node(&labels, &[]);
        let vf = Offer { there: true, ..Offer::default() };
        let ovs = Offer { figure: Figure::P99(90), ..Offer::default() };
        let offers = Datapath::ALL.map(|path| *node.offer(path));
        assert_eq!(offers, [vf, ovs, Offer::default(), Offer::default()]);
        assert_eq!(node.offer(Datapath::OvsDpdk), &ovs);
    }

    #[test]
    fn a_label_is_true_or_it_is_not_there() {
        for value in ["", "false", "True", "1"] {
            assert!(!node(&[("fastpath.dev/vf", value)], &[]).offer(Datapath::Vf).there);
        }
    }

    #[test]
    fn a_figure_that_is_no_number_is_not_taken_for_none() {
        for value in ["", "-1", "+1", "fast", "1.5", "99999999999999999999"] {
            let node = node(&[("fastpath.dev/vf-p99-us", value)], &[]);
            assert_eq!(node.offer(Datapath::Vf).figure, Figure::Unreadable, "{value}");
        }
    }

    #[test]
    fn the_numa_node_is_that_of_the_published_measurement() {
        let report = include_str!("../corpus/report/full.json");
        let node = node(&[], &[("fastpath.dev/paths", report)]);
        assert_eq!(node.offer(Datapath::Vf).numa, Some(0));
        assert_eq!(node.offer(Datapath::Kernel).numa, None);
    }

    #[test]
    fn what_is_published_holds_for_an_hour() {
        let now: Timestamp = "2026-11-28T12:00:00Z".parse().unwrap();
        for (renewed, expired) in [
            ("2026-11-28T12:00:00Z", false),
            ("2026-11-28T11:00:00Z", false),
            ("2026-11-28T10:59:59Z", true),
            ("2027-11-28T12:00:00Z", false),
            ("yesterday", true),
            ("", true),
        ] {
            let node = node(&[], &[("fastpath.dev/report-renewed", renewed)]);
            assert_eq!(node.expired(now), expired, "{renewed}");
        }
        assert!(!Node::default().expired(now));
    }
}
