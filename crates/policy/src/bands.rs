//! Bands of budgets: which path serves a pod whose latency may be so many microseconds.

use std::fmt;

use crate::Datapath;

/// A table of bands, from the fastest path to the slowest, without gap or overlap. A budget below the
/// first band is refused. A path without a band is chosen by name only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bands {
    /// Each path with the edge that its band starts at, µs, in ascending order.
    edges: Vec<(Datapath, u64)>,
}

/// The budgets that one path serves. An edge that two bands share belongs to the lower one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Band {
    /// The path.
    pub path: Datapath,
    /// The edge that it starts at, µs.
    pub lower_us: u64,
    /// Whether it is the first band, and `lower_us` its own.
    pub first: bool,
    /// The greatest budget, µs; none in the last band.
    pub upper_us: Option<u64>,
}

impl Default for Bands {
    fn default() -> Self {
        use Datapath::{Kernel, OvsDpdk, Vf};
        Self { edges: vec![(Vf, 800), (OvsDpdk, 5_000), (Kernel, 10_000)] }
    }
}

impl Bands {
    /// Paths, each with the edge that its band starts at, µs, in ascending order and each once. None
    /// without any.
    pub(crate) fn of(edges: Vec<(Datapath, u64)>) -> Option<Self> {
        (!edges.is_empty()).then_some(Self { edges })
    }

    /// Whether nothing but a figure tells that a path keeps a budget: it has no band. Any node will do for
    /// the kernel's.
    #[must_use]
    pub fn need_figure(&self, path: Datapath) -> bool {
        path != Datapath::Kernel && !self.edges.iter().any(|(other, _)| *other == path)
    }

    /// The bands, from the least budgets to the greatest.
    pub fn iter(&self) -> impl Iterator<Item = Band> {
        self.edges.iter().enumerate().map(|(index, &(path, lower_us))| {
            let upper_us = self.edges.get(index + 1).map(|&(_, edge)| edge);
            Band { path, lower_us, first: index == 0, upper_us }
        })
    }
}

impl Band {
    /// Whether a budget of so many µs is in it.
    #[must_use]
    pub fn contains(&self, budget_us: u64) -> bool {
        let above = budget_us > self.lower_us || (self.first && budget_us == self.lower_us);
        above && self.upper_us.is_none_or(|upper| budget_us <= upper)
    }
}

impl fmt::Display for Band {
    /// `800 up to 5000`, `above 5000 up to 10000`, `above 10000`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lower_us, first, upper_us, .. } = self;
        match (first, upper_us) {
            (true, None) => write!(f, "{lower_us} and above"),
            (true, Some(upper)) => write!(f, "{lower_us} up to {upper}"),
            (false, None) => write!(f, "above {lower_us}"),
            (false, Some(upper)) => write!(f, "above {lower_us} up to {upper}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The paths whose bands have the budget.
    fn owners(budget_us: u64) -> Vec<&'static str> {
        let bands = Bands::default();
        bands.iter().filter(|band| band.contains(budget_us)).map(|b| b.path.as_str()).collect()
    }

    #[test]
    fn below_the_first_band_there_is_none() {
        for budget in [0, 1, 799] {
            assert!(owners(budget).is_empty(), "{budget}");
        }
    }

    #[test]
    fn every_budget_above_is_of_one_band() {
        for (budget, owner) in [
            (800, "vf"),
            (801, "vf"),
            (4_999, "vf"),
            (5_000, "vf"),
            (5_001, "ovs-dpdk"),
            (9_999, "ovs-dpdk"),
            (10_000, "ovs-dpdk"),
            (10_001, "kernel"),
            (u64::MAX, "kernel"),
        ] {
            assert_eq!(owners(budget), [owner], "{budget}");
        }
    }

    #[test]
    fn a_path_without_a_band_is_chosen_by_name_only() {
        assert!(Bands::default().iter().all(|band| band.path != Datapath::Ovn));
    }

    #[test]
    fn a_path_without_a_band_needs_a_figure() {
        let needing = |bands: &Bands| Datapath::ALL.map(|path| bands.need_figure(path));
        assert_eq!(needing(&Bands::default()), [false, false, true, false]);
        let overlay = Bands::of(vec![(Datapath::Ovn, 1)]).unwrap();
        assert_eq!(needing(&overlay), [true, true, false, false]);
    }

    #[test]
    fn bands_say_what_they_hold() {
        let texts: Vec<_> = Bands::default().iter().map(|band| band.to_string()).collect();
        assert_eq!(texts, ["800 up to 5000", "above 5000 up to 10000", "above 10000"]);
        let one = Bands { edges: vec![(Datapath::Kernel, 20)] };
        assert_eq!(one.iter().map(|band| band.to_string()).collect::<Vec<_>>(), ["20 and above"]);
    }
}
