use policy::{Budget, LATENCY};

use super::*;
use crate::simulate::cluster;

/// A pod with a budget in µs, which asks for nothing.
fn pod(latency: Option<&str>) -> Pod {
    let budget = Budget::from_annotations(|key| latency.filter(|_| key == LATENCY)).unwrap();
    Pod { arrives_ms: 0, ends_ms: 0, budget, asks: Datapath::Kernel, cpus: 1 }
}

/// A node with these keys in a cluster's file.
fn machine(keys: &str) -> Machine {
    let text = format!(
        "seed: 1\nnodes:\n- {{name: a, count: 1, cpus: 10, kernelP99Us: [90, 90], {keys}}}\n"
    );
    cluster::parse(&text).unwrap().remove(0)
}

/// A node whose VFs have this p99, µs.
fn vf(p99_us: u64) -> Machine {
    machine(&format!("vf: {{count: 1, p99Us: [{p99_us}, {p99_us}]}}"))
}

#[test]
fn ours_and_the_thesis_own_every_threshold_once() {
    for (latency, path) in [
        (Some("799"), None),
        (Some("800"), Some(Datapath::Vf)),
        (Some("801"), Some(Datapath::Vf)),
        (Some("4999"), Some(Datapath::Vf)),
        (Some("5000"), Some(Datapath::Vf)),
        (Some("5001"), Some(Datapath::OvsDpdk)),
        (Some("9999"), Some(Datapath::OvsDpdk)),
        (Some("10000"), Some(Datapath::OvsDpdk)),
        (Some("10001"), Some(Datapath::Kernel)),
        (None, Some(Datapath::Kernel)),
    ] {
        let pod = pod(latency);
        assert_eq!(Ours::default().path(&pod), path, "{latency:?}");
        assert_eq!(Thesis.path(&pod), path, "{latency:?}");
        assert_eq!(Blind.path(&pod), Some(Datapath::Kernel), "{latency:?}");
    }
}

#[test]
fn ours_prefers_quick_nodes_and_leaves_out_slow_ones() {
    let ours = Ours::default();
    let score = |machine: &Machine| ours.score(&pod(Some("2000")), Datapath::Vf, machine);
    let unmeasured = machine("measuredPercent: 0, vf: {count: 1, p99Us: [9000, 9000]}");
    let scores = [vf(10), vf(200), vf(2000), unmeasured, vf(2001)].map(|node| score(&node));
    assert!(scores.is_sorted_by(|a, b| a > b), "{scores:?}");
    assert_eq!((scores[3].is_some(), scores[4]), (true, None));
}

#[test]
fn the_measurement_counts_more_than_the_load() {
    let ours = Ours::default();
    let mut busy = vf(100);
    busy.free.cpus = 1;
    let score = |machine: &Machine| ours.score(&pod(Some("2000")), Datapath::Vf, machine);
    assert!(score(&busy) > score(&vf(1500)));
    assert!(score(&busy) < score(&vf(100)));
}

#[test]
fn slow_pods_are_kept_from_fast_nodes_where_their_budget_is_known() {
    let (plain, fast) = (machine("pods: 1"), vf(100));
    let ours = Ours::default();
    let slow = pod(Some("10001"));
    let score = |algorithm: &dyn Algorithm, pod: &Pod| {
        [&plain, &fast].map(|node| algorithm.score(pod, Datapath::Kernel, node))
    };
    for algorithm in [&ours as &dyn Algorithm, &Thesis] {
        let [plain, fast] = score(algorithm, &slow);
        assert!(plain > fast && fast.is_some(), "{}", algorithm.name());
        let [plain, fast] = score(algorithm, &pod(None));
        assert_eq!(plain, fast, "{}", algorithm.name());
    }
    let [plain, fast] = score(&Blind, &slow);
    assert_eq!(plain, fast);
}

#[test]
fn neither_the_thesis_nor_a_blind_cluster_sees_a_slow_vf() {
    let (quick, slow) = (vf(100), vf(9000));
    for algorithm in [&Thesis as &dyn Algorithm, &Blind] {
        let score = |node: &Machine| algorithm.score(&pod(Some("800")), Datapath::Vf, node);
        assert_eq!(score(&quick), score(&slow), "{}", algorithm.name());
        assert!(score(&slow).is_some());
    }
}

#[test]
fn a_blind_cluster_spreads_pods() {
    let (empty, mut busy) = (vf(100), vf(100));
    busy.free.cpus = 5;
    let score = |node: &Machine| Blind.score(&pod(None), Datapath::Kernel, node);
    assert_eq!([score(&empty), score(&busy)], [Some(90), Some(40)]);
}
