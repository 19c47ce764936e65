use super::*;
use crate::PATH;

const NOW: &str = "2026-11-28T12:00:00Z";

fn demand(us: u64, path: &str) -> Demand {
    let us: &str = us.to_string().leak();
    let get = |key: &str| match key {
        crate::LATENCY => Some(us),
        PATH => Some(path),
        _ => None,
    };
    Demand::from_annotations(get).unwrap().unwrap()
}

/// A node that renewed its report so many minutes ago.
fn node(labels: &[(&'static str, String)], minutes: i64) -> Node {
    let renewed = now() - jiff::SignedDuration::from_mins(minutes);
    let renewed: &str = renewed.to_string().leak();
    let label = |key: &str| {
        let (_, value) = labels.iter().find(|(name, _)| *name == key)?;
        Some(&*value.clone().leak())
    };
    Node::from_metadata(label, |key| (key == crate::RENEWED).then_some(renewed))
}

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn vf(p99_us: Option<u64>, minutes: i64) -> Node {
    let there = ("fastpath.dev/vf", "true".to_owned());
    let figure = p99_us.map(|us| ("fastpath.dev/vf-p99-us", us.to_string()));
    node(&[Some(there), figure].into_iter().flatten().collect::<Vec<_>>(), minutes)
}

fn score(us: u64, node: &Node) -> Option<u8> {
    demand(us, "vf").fit(node, now()).ok().map(|fit| fit.score())
}

#[test]
fn a_measured_node_fits_just_when_its_p99_is_within_the_budget() {
    for budget in 1..60 {
        for p99 in 0..70 {
            let score = score(budget, &vf(Some(p99), 0));
            assert_eq!(score.is_some(), p99 <= budget, "{p99} of {budget}");
            assert!(score.is_none_or(|score| (2..=BEST).contains(&score)), "{p99} of {budget}");
        }
    }
}

#[test]
fn a_faster_node_never_scores_less() {
    for budget in [800, 5000, 10_000] {
        let scores = (0..=budget).map(|p99| {
            Fit::Measured { p99_us: p99, budget: demand(budget, "vf").budget, numa: None }.score()
        });
        let scores: Vec<_> = scores.collect();
        assert!(scores.is_sorted_by(|a, b| a >= b), "{budget}");
        assert_eq!((scores.first(), scores.last()), (Some(&BEST), Some(&2)));
    }
}

#[test]
fn no_figure_overflows() {
    let greatest = i64::MAX as u64 - 1;
    assert_eq!(score(greatest, &vf(Some(greatest), 0)), Some(2));
    assert_eq!(score(1, &vf(Some(u64::MAX), 0)), None);
}

#[test]
fn measured_goes_before_unmeasured_and_both_before_expired() {
    assert_eq!(score(5000, &vf(Some(20), 59)), Some(10));
    assert_eq!(score(5000, &vf(Some(5000), 60)), Some(2));
    assert_eq!(score(5000, &vf(None, 60)), Some(1));
    assert_eq!(score(5000, &vf(None, 61)), Some(0));
    assert_eq!(score(5000, &vf(Some(20), 61)), Some(0));
    // kube-scheduler refuses it by its label, however old.
    assert_eq!(score(5000, &vf(Some(5001), 61)), None);
}

#[test]
fn a_node_without_the_path_is_refused_by_name() {
    let error = demand(7000, "ovs-dpdk").fit(&vf(Some(20), 0), now()).unwrap_err();
    assert_eq!(error.to_string(), "it has no path ovs-dpdk (label fastpath.dev/ovs-dpdk)");
    // As in the affinity that admission adds, a figure alone will do.
    let figure = node(&[("fastpath.dev/vf-p99-us", "20".to_owned())], 0);
    assert_eq!(score(5000, &figure), Some(10));
}

#[test]
fn who_requires_a_measured_node_gets_no_other() {
    let demand = Demand { require_measured: true, ..demand(5000, "vf") };
    assert_eq!(demand.fit(&vf(None, 0), now()), Err(Misfit::NotMeasured { path: Datapath::Vf }));
    assert!(demand.fit(&vf(Some(20), 0), now()).is_ok());
}

#[test]
fn a_figure_that_cannot_be_read_is_refused() {
    let bad = node(&[("fastpath.dev/vf-p99-us", "fast".to_owned())], 0);
    let error = demand(5000, "vf").fit(&bad, now()).unwrap_err();
    assert_eq!(error.to_string(), "its label fastpath.dev/vf-p99-us is no whole number");
}

#[test]
fn what_is_free_counts_where_it_is_known() {
    let demand = Demand { interfaces: 2, ..demand(5000, "vf") };
    let mut node = vf(Some(20), 0);
    for (free, fits) in [(0, false), (1, false), (2, true), (3, true)] {
        node.set_free(Datapath::Vf, free);
        assert_eq!(demand.fit(&node, now()).is_ok(), fits, "{free}");
    }
}

#[test]
fn every_node_has_the_kernels_path_and_those_with_fast_ones_are_last() {
    let demand = demand(10_001, "kernel");
    let plain = demand.fit(&Node::default(), now()).unwrap();
    let fast = demand.fit(&vf(None, 0), now()).unwrap();
    assert_eq!((plain.score(), fast.score()), (BEST, 0));
}

#[test]
fn a_slow_kernel_is_the_last_resort_and_refused_to_who_requires_a_figure() {
    let demand = demand(10_001, "kernel");
    let measured = Demand { require_measured: true, ..demand };
    let with = |p99: &str| node(&[("fastpath.dev/kernel-p99-us", p99.to_owned())], 0);
    assert_eq!(demand.fit(&with("10001"), now()).unwrap().score(), BEST);
    assert_eq!(demand.fit(&with("10002"), now()).unwrap().score(), 0);
    assert_eq!(demand.fit(&with("fast"), now()).unwrap().score(), BEST);
    assert!(matches!(measured.fit(&with("10002"), now()), Err(Misfit::TooSlow { .. })));
    assert!(matches!(measured.fit(&with("fast"), now()), Err(Misfit::Unreadable { .. })));
    assert!(matches!(measured.fit(&Node::default(), now()), Err(Misfit::NotMeasured { .. })));
    assert!(measured.fit(&with("10001"), now()).is_ok());
}

#[test]
fn what_is_said_can_be_understood() {
    let said = |node: &Node| demand(5000, "vf").fit(node, now()).unwrap().to_string();
    assert_eq!(said(&vf(Some(20), 0)), "its p99 is 20 µs, within the budget of 5000 µs");
    assert_eq!(said(&vf(None, 0)), "it has the path, which was not measured");
    assert_eq!(said(&vf(None, 61)), "its report is older than 60 min: is its node-agent running?");
    let slow = demand(800, "vf").fit(&vf(Some(900), 0), now()).unwrap_err();
    assert_eq!(slow.to_string(), "its p99 of vf is 900 µs, above the budget of 800 µs");
}
