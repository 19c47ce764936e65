use std::error::Error as _;

use serde_json::{Value, json};

use super::Report;
use crate::{Datapath, Error};

fn full() -> Value {
    serde_json::from_slice(include_bytes!("../corpus/report/full.json")).unwrap()
}

/// The full report with the value at `pointer` replaced, or taken out where it is `None`.
fn changed(pointer: &str, value: Option<Value>) -> Result<Report, Error> {
    let mut report = full();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match (value, report.pointer_mut(pointer)) {
        (Some(value), Some(present)) => *present = value,
        (Some(value), None) => report.pointer_mut(parent).unwrap()[key] = value,
        (None, _) => drop(report.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key)),
    }
    Report::from_json(report.to_string().as_bytes())
}

/// The key and the value that the error is about.
fn refused(pointer: &str, value: Value) -> (String, String) {
    match changed(pointer, Some(value)).unwrap_err() {
        Error::Invalid { key, found, .. } => (key, found),
        Error::Shape { key, source } => (key, source.to_string()),
        error => panic!("{error}"),
    }
}

#[test]
fn the_report_has_the_shape_of_its_json() {
    let report = Report::from_json(full().to_string().as_bytes()).unwrap();
    assert_eq!((report.node.as_str(), report.load1), ("worker-1", 0.42));
    assert_eq!(report.measured_at.to_string(), "2026-11-28T00:35:31Z");
    let [vf, ovs, kernel] = report.paths.as_slice() else { panic!("{report:?}") };
    assert_eq!((vf.path, vf.numa, vf.us.unwrap().p99_9), (Datapath::Vf, Some(0), 44.0));
    assert_eq!((ovs.lost, ovs.reordered, ovs.loss_free()), (10, 3, false));
    assert_eq!((kernel.numa, kernel.p50_interval95), (None, Some([50.0, 55.0])));
    let written: Value = serde_json::from_str(&report.to_json().unwrap()).unwrap();
    let load = |mut value: Value| {
        // 14 and 14.0 are the same number, but not the same JSON.
        value["paths"] = serde_json::from_value(value["paths"].take()).unwrap();
        value.to_string().replace(".0,", ",").replace(".0}", "}").replace(".0]", "]")
    };
    assert_eq!(load(written), load(full()));
}

#[test]
fn unknown_keys_are_ignored() {
    assert!(changed("/future", Some(json!({"a": [1]}))).is_ok());
    assert!(changed("/paths/0/us/p99.99", Some(json!("?"))).is_ok());
}

#[test]
fn what_may_be_absent_may_be_null() {
    for value in [None, Some(Value::Null)] {
        assert!(changed("/paths/0/numa", value.clone()).is_ok());
        assert!(changed("/paths/0/p50Interval95", value).is_ok());
    }
}

#[test]
fn a_report_of_another_version_is_told_by_its_version() {
    for version in [0, 2, u64::MAX] {
        let text = json!({"version": version, "paths": {}}).to_string();
        let error = Report::from_json(text.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), format!("the report has version {version}; valid is 1"));
    }
    let mut report = Report::from_json(full().to_string().as_bytes()).unwrap();
    report.version = 2;
    assert!(matches!(report.to_json(), Err(Error::Version { found: 2 })));
}

#[test]
fn what_is_no_json_is_said_to_be_none() {
    for text in ["", "{", "{\"version\":1} x", "\u{7f}"] {
        assert!(matches!(Report::from_json(text.as_bytes()), Err(Error::Json { .. })), "{text}");
    }
}

#[test]
fn another_shape_is_told_by_its_key() {
    for (pointer, key) in [
        ("/version", "version"),
        ("/node", "node"),
        ("/measuredAt", "measuredAt"),
        ("/paths", "paths"),
        ("/paths/1/path", "paths[1].path"),
        ("/paths/1/numa", "paths[1].numa"),
        ("/paths/1/us/p99.9", "paths[1].us.p99.9"),
        ("/paths/1/p50Interval95", "paths[1].p50Interval95"),
    ] {
        assert_eq!(refused(pointer, json!(true)).0, key);
    }
    for negative in ["/paths/0/sent", "/paths/0/numa", "/paths/0/sizeBytes"] {
        refused(negative, json!(-1));
    }
    let error = changed("/paths/2/us/p50", None).unwrap_err();
    assert_eq!(error.to_string(), "the report's paths[2].us is not what it must be");
    assert!(error.source().unwrap().to_string().starts_with("missing field `p50`"));
    let (_, unknown) = refused("/paths/0/path", json!("dpdk"));
    assert!(unknown.starts_with("no such path; there are vf, ovs-dpdk, ovn and kernel"));
}

#[test]
fn numbers_are_finite_and_not_negative() {
    assert!(changed("/load1", Some(json!(0))).is_ok());
    assert_eq!(refused("/load1", json!(-0.1)), ("load1".to_owned(), "-0.1".to_owned()));
    let key = "paths[0].us.min".to_owned();
    assert_eq!(refused("/paths/0/us/min", json!(-1)), (key, "-1.0".to_owned()));
    assert!(changed("/paths/0/us/min", Some(json!(0))).is_ok());
    assert!(changed("/paths/0/us/max", Some(json!(3.6e9))).is_ok());
    assert_eq!(refused("/paths/0/us/max", json!(3.7e9)).0, "paths[0].us.max");
    for key in ["sizeBytes", "ratePps", "rounds"] {
        assert_eq!(refused(&format!("/paths/0/{key}"), json!(0)).0, format!("paths[0].{key}"));
    }
    let mut report = Report::from_json(full().to_string().as_bytes()).unwrap();
    report.load1 = f64::NAN;
    let error = report.to_json().unwrap_err().to_string();
    assert_eq!(error, "the report's load1 is NaN: it must be a number, 0 or more");
}

#[test]
fn percentiles_are_in_order() {
    assert!(changed("/paths/0/us/p50", Some(json!(14))).is_ok());
    assert_eq!(refused("/paths/0/us/p50", json!(14.01)).0, "paths[0].us.p90");
    assert_eq!(refused("/paths/0/us/max", json!(43.9)).0, "paths[0].us.max");
    assert!(changed("/paths/0/p50Interval95", Some(json!([11, 11]))).is_ok());
    let (key, found) = refused("/paths/0/p50Interval95", json!([12, 11]));
    assert_eq!((key.as_str(), found.as_str()), ("paths[0].p50Interval95", "[12.0, 11.0]"));
}

#[test]
fn counts_add_up() {
    for (pointer, value, key) in [
        ("/paths/1/received", 5001, "received"),
        ("/paths/1/received", 4991, "lost"),
        ("/paths/1/lost", 9, "lost"),
        ("/paths/1/sent", 5001, "lost"),
        ("/paths/1/reordered", 4991, "reordered"),
    ] {
        assert_eq!(refused(pointer, json!(value)).0, format!("paths[1].{key}"), "{pointer}");
    }
    assert!(changed("/paths/1/reordered", Some(json!(4990))).is_ok());
    let nothing = json!({
        "name": "vf-pod", "path": "vf", "driver": "igbvf", "sizeBytes": 96, "ratePps": 1000, "rounds": 5,
        "sent": 0, "received": 0, "lost": 0, "reordered": 0,
    });
    assert_eq!(refused("/paths/0", nothing).0, "paths[0].sent");
}

#[test]
fn there_are_latencies_just_when_packets_came_back() {
    let found = refused("/paths/1/us", Value::Null);
    assert_eq!(found, ("paths[1].us".to_owned(), "null".to_owned()));
    let mut lost = full()["paths"][1].clone();
    (lost["received"], lost["lost"], lost["reordered"]) = (json!(0), json!(5000), json!(0));
    assert_eq!(refused("/paths/1", lost.clone()).0, "paths[1].us");
    lost["us"] = Value::Null;
    assert!(changed("/paths/1", Some(lost)).is_ok());
}

#[test]
fn texts_are_printable_and_names_are_told_apart() {
    for pointer in ["/node", "/method", "/kernel", "/paths/0/name", "/paths/0/driver"] {
        for text in [String::new(), "a\u{1b}[2J".to_owned(), "é".repeat(257)] {
            let (_, found) = refused(pointer, json!(text));
            assert!(found.len() <= 160 && !found.contains('\u{1b}'), "{found}");
        }
        assert!(changed(pointer, Some(json!("é".repeat(256)))).is_ok());
    }
    assert_eq!(refused("/paths/2/name", json!("vf-pod")).0, "paths[2].name");
}
