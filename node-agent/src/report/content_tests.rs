use serde_json::json;
use vf::Function;

use super::*;
use crate::inventory::{Machine, Switch};

fn facts(paths: &[Datapath]) -> Facts {
    Facts { paths: paths.to_vec(), vfs: 8, ovs_dpdk: true }
}

/// A report of paths by name, each with its p99 and how many of 1000 packets were lost.
fn report(paths: &[(&str, Datapath, f64, u64)]) -> Report {
    let paths: Vec<_> = paths
        .iter()
        .map(|(name, path, p99, lost)| {
            json!({
                "name": name, "path": path, "driver": "d", "numa": null, "sizeBytes": 96,
                "ratePps": 1000, "rounds": 1, "sent": 1000, "received": 1000 - lost, "lost": lost,
                "reordered": 0, "p50Interval95": null,
                "us": {"min": 1, "p50": 1, "p90": 1, "p99": p99, "p99.9": p99, "max": p99},
            })
        })
        .collect();
    let report = json!({
        "version": 1, "node": "n", "measuredAt": "2026-11-28T00:35:31Z", "method": "m",
        "kernel": "6.12", "load1": 0, "paths": paths,
    });
    Report::from_json(report.to_string().as_bytes()).unwrap()
}

fn labels(content: &Content) -> Vec<(&str, &str)> {
    content.labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

#[test]
fn a_path_is_offered_where_the_inventory_has_what_it_takes() {
    let function = |pf: Option<&str>| Function {
        addr: "0000:01:00.0".parse().unwrap(),
        vendor: "8086".to_owned(),
        device: "1520".to_owned(),
        driver: None,
        iommu_group: None,
        numa: None,
        pf: pf.map(|addr| addr.parse().unwrap()),
        index: None,
        total_vfs: 7,
        vfs: 0,
        links: vec![],
    };
    let sys = tempfile::tempdir().unwrap();
    let machine = Machine::read(sys.path(), sys.path());
    let mut inventory =
        Inventory { machine, functions: vec![function(None)], switch: None, no_switch: None };
    let kernel = Facts { paths: vec![Datapath::Kernel], vfs: 0, ovs_dpdk: false };
    assert_eq!(Facts::of(&inventory), kernel);
    inventory.functions.push(function(Some("0000:01:00.0")));
    inventory.switch = Some(Switch {
        version: None,
        dpdk_version: None,
        dpdk_initialized: false,
        pmd_cpu_mask: None,
        bridges: vec![],
        chassis: None,
    });
    let paths = vec![Datapath::Vf, Datapath::Kernel];
    assert_eq!(Facts::of(&inventory), Facts { paths, vfs: 1, ovs_dpdk: false });
    inventory.switch.as_mut().unwrap().dpdk_initialized = true;
    let paths = vec![Datapath::Vf, Datapath::OvsDpdk, Datapath::Kernel];
    assert_eq!(Facts::of(&inventory), Facts { paths, vfs: 1, ovs_dpdk: true });
    inventory.switch.as_mut().unwrap().chassis = Some("a".to_owned());
    let paths = vec![Datapath::Vf, Datapath::OvsDpdk, Datapath::Ovn, Datapath::Kernel];
    assert_eq!(Facts::of(&inventory), Facts { paths, vfs: 1, ovs_dpdk: true });
}

#[test]
fn each_path_has_its_label_and_its_figure_rounded_up() {
    let report = report(&[
        ("vf", Datapath::Vf, 7.0, 0),
        ("vf-pod", Datapath::Vf, 20.3, 0),
        ("ovs-dpdk-pod", Datapath::OvsDpdk, 71.5, 0),
        ("ovn", Datapath::Ovn, 310.0, 0),
        ("kernel", Datapath::Kernel, 139.0, 0),
    ]);
    let paths = [Datapath::Vf, Datapath::OvsDpdk, Datapath::Ovn, Datapath::Kernel];
    let content = Content::of(&facts(&paths), Some(&report), false);
    let told = [
        ("fastpath.dev/kernel", "true"),
        ("fastpath.dev/kernel-p99-us", "140"),
        ("fastpath.dev/ovn", "true"),
        ("fastpath.dev/ovn-p99-us", "320"),
        ("fastpath.dev/ovs-dpdk", "true"),
        ("fastpath.dev/ovs-dpdk-p99-us", "80"),
        ("fastpath.dev/vf", "true"),
        ("fastpath.dev/vf-p99-us", "22"),
    ];
    assert_eq!(labels(&content), told);
    let text = content.report.unwrap();
    assert_eq!(Report::from_json(text.as_bytes()).unwrap(), report);
    assert!(!text.contains('\n'));
}

#[test]
fn a_path_that_lost_packets_or_is_not_offered_has_no_figure() {
    let report =
        report(&[("vf-pod", Datapath::Vf, 20.0, 1), ("kernel", Datapath::Kernel, 100.0, 0)]);
    let content = Content::of(&facts(&[Datapath::Vf]), Some(&report), false);
    assert_eq!(labels(&content), [("fastpath.dev/vf", "true")]);
}

#[test]
fn what_was_never_measured_is_offered_without_a_figure() {
    let content = Content::of(&facts(&[Datapath::Kernel]), None, false);
    assert_eq!(labels(&content), [("fastpath.dev/kernel", "true")]);
    assert_eq!(content.report, None);
}

#[test]
fn the_legacy_labels_are_told_on_request_also_by_a_node_without_dpdk() {
    let facts = Facts { paths: vec![], vfs: 0, ovs_dpdk: false };
    let content = Content::of(&facts, None, true);
    assert_eq!(labels(&content), [("dpdk", "0"), ("ovs-dpdk", "false")]);
}
