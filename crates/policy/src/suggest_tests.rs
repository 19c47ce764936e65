use super::{Figures, Refusal, Suggestion, round_up, suggest};
use crate::{Datapath, Microseconds, PathReport, Report, VERSION};

/// A measurement by name, path, p99 in µs and packets lost of 1000.
fn path(name: &str, path: Datapath, p99: f64, lost: u64) -> PathReport {
    let us = Microseconds { min: 0.0, p50: 0.0, p90: 0.0, p99, p99_9: p99, max: p99 };
    PathReport {
        name: name.to_owned(),
        path,
        driver: "none".to_owned(),
        numa: None,
        size_bytes: 96,
        rate_pps: 1000,
        rounds: 5,
        sent: 1000,
        received: 1000 - lost,
        lost,
        reordered: 0,
        us: (lost < 1000).then_some(us),
        p50_interval95: None,
    }
}

fn node(name: &str, paths: Vec<PathReport>) -> Report {
    Report {
        version: VERSION,
        node: name.to_owned(),
        measured_at: "2026-11-28T00:00:00Z".parse().unwrap(),
        method: "none".to_owned(),
        kernel: "6.12".to_owned(),
        load1: 0.0,
        paths,
    }
}

/// A node with the p99 of its pod paths.
fn pods(name: &str, vf: f64, ovs_dpdk: f64, kernel: f64) -> Report {
    let paths = [(Datapath::Vf, vf), (Datapath::OvsDpdk, ovs_dpdk), (Datapath::Kernel, kernel)];
    node(name, paths.map(|(which, us)| path(&format!("{which}-pod"), which, us, 0)).to_vec())
}

/// The bands as text, or why there is none.
fn bands(suggestions: &[Suggestion]) -> Vec<String> {
    let text = |one: &Suggestion| match &one.band {
        Ok(band) => format!("{}: {band}", one.path),
        Err(refusal) => format!("{}: {refusal}", one.path),
    };
    suggestions.iter().map(text).collect()
}

#[test]
fn bands_start_at_what_the_worst_node_holds() {
    let reports =
        [pods("a", 11.0, 30.0, 140.0), pods("b", 18.0, 51.0, 90.0), pods("c", 12.0, 40.0, 99.0)];
    let suggestions = suggest(&reports);
    assert_eq!(
        bands(&suggestions),
        ["vf: 20 up to 100", "ovs-dpdk: above 100 up to 200", "kernel: above 200"]
    );
    let of_three =
        Figures { nodes: 3, median_us: 40.0, worst_us: 51.0, worst_node: "b".to_owned() };
    assert_eq!(suggestions[1].figures, Some(of_three));
    let of_two = Figures { nodes: 2, median_us: 14.5, worst_us: 18.0, worst_node: "b".to_owned() };
    assert_eq!(suggest(&reports[..2])[0].figures, Some(of_two));
}

#[test]
fn a_lossy_node_is_left_out() {
    let mut reports = [pods("a", 11.0, 30.0, 140.0), pods("b", 700.0, 30.0, 140.0)];
    reports[1].paths[0] = path("vf-pod", Datapath::Vf, 700.0, 1);
    let suggestions = suggest(&reports);
    assert_eq!(bands(&suggestions)[0], "vf: 20 up to 50");
    assert_eq!(suggestions[0].lossy, ["b"]);
    assert_eq!(suggestions[0].figures.as_ref().unwrap().nodes, 1);
}

#[test]
fn without_a_measurement_there_is_no_band() {
    let lossy = node("a", vec![path("vf-pod", Datapath::Vf, 5.0, 1000)]);
    let suggestions = suggest(&[lossy, pods("b", 7.0, 20.0, 99.0)]);
    assert_eq!(bands(&suggestions)[0], "vf: 10 up to 20");
    let kernel = path("kernel-pod", Datapath::Kernel, 99.0, 0);
    let some = node("a", vec![path("vf-pod", Datapath::Vf, 5.0, 3), kernel]);
    let suggestions = suggest(&[some]);
    assert_eq!(
        bands(&suggestions),
        ["vf: never measured without loss", "ovs-dpdk: not measured", "kernel: 100 and above"]
    );
    assert_eq!((suggestions[0].lossy.len(), &suggestions[0].figures), (1, &None));
    assert!(suggest(&[]).iter().all(|one| one.band == Err(Refusal::NotMeasured)));
}

#[test]
fn paths_that_overlap_are_marked_and_the_cheaper_one_stays() {
    let level = suggest(&[pods("a", 11.0, 19.0, 140.0)]);
    assert_eq!(
        bands(&level),
        ["vf: not faster than ovs-dpdk", "ovs-dpdk: 20 up to 200", "kernel: above 200"]
    );
    let slow_vf = suggest(&[pods("a", 3000.0, 19.0, 140.0)]);
    assert_eq!(bands(&slow_vf), bands(&level).as_slice());
    let slow_switch = suggest(&[pods("a", 11.0, 900.0, 140.0)]);
    assert_eq!(
        bands(&slow_switch),
        ["vf: 20 up to 200", "ovs-dpdk: not faster than kernel", "kernel: above 200"]
    );
    let all = suggest(&[pods("a", 300.0, 200.0, 140.0)]);
    assert_eq!(
        bands(&all)[..2],
        ["vf: not faster than kernel", "ovs-dpdk: not faster than kernel"]
    );
    assert!(all[0].figures.is_some());
}

#[test]
fn the_pod_path_counts_and_else_the_slowest() {
    let of_vf = |paths| suggest(&[node("a", paths)]).remove(0).figures.map(|f| f.worst_us);
    let host = path("vf-host", Datapath::Vf, 90.0, 0);
    let other = path("vf-loop", Datapath::Vf, 20.0, 0);
    assert_eq!(of_vf(vec![host.clone(), other.clone()]), Some(90.0));
    let pod = path("vf-pod", Datapath::Vf, 50.0, 0);
    assert_eq!(of_vf(vec![host.clone(), pod, other.clone()]), Some(50.0));
    // A pod path that lost packets is not replaced by one without a pod.
    let pod = path("vf-pod", Datapath::Vf, 50.0, 1);
    assert_eq!(of_vf(vec![host, pod, other]), None);
}

#[test]
fn the_latest_report_of_a_node_counts() {
    let (old, mut new) = (pods("a", 900.0, 900.0, 900.0), pods("a", 11.0, 30.0, 140.0));
    new.measured_at = "2026-11-28T00:00:01Z".parse().unwrap();
    for reports in [[old.clone(), new.clone()], [new, old]] {
        let suggestions = suggest(&reports);
        let figures =
            Figures { nodes: 1, median_us: 11.0, worst_us: 11.0, worst_node: "a".to_owned() };
        assert_eq!(suggestions[0].figures, Some(figures));
    }
}

#[test]
fn an_overlay_has_no_band() {
    let overlay = node("a", vec![path("ovn", Datapath::Ovn, 5.0, 0)]);
    assert!(suggest(&[overlay]).iter().all(|one| one.path != Datapath::Ovn && one.band.is_err()));
}

#[test]
fn edges_are_rounded_up_to_1_2_or_5() {
    for (us, edge) in [
        (0.0, 1),
        (1.0, 1),
        (1.01, 2),
        (2.0, 2),
        (2.1, 5),
        (5.0, 5),
        (5.000_001, 10),
        (10.0, 10),
        (10.5, 20),
        (799.9, 1000),
        (3.6e9, 5_000_000_000),
        (1e300, u64::MAX),
    ] {
        assert_eq!(round_up(us), edge, "{us}");
    }
}
