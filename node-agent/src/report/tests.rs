//! The reporter against an API server that answers as wanted.

use std::fs;

use testkit::fake_api::{FakeServer, json};

use super::*;

const NODE: &str = r#"{"metadata": {"name": "n1", "uid": "u-1"}}"#;

fn facts() -> Facts {
    Facts { paths: vec![policy::Datapath::Vf], vfs: 2, ovs_dpdk: false }
}

fn reporter(server: &FakeServer) -> Reporter {
    let access = Access::Kubeconfig(server.kubeconfig(r#"{"token": "t"}"#));
    Reporter::new(Config {
        node: "n1".to_owned(),
        measured: server.dir.path().join("measure.json"),
        target: Target::Api { access, legacy_labels: false },
    })
}

/// What the server was asked to apply, each time.
fn applied(server: &FakeServer) -> Vec<serde_json::Value> {
    let applies = server.requests().into_iter().filter(|text| text.contains("apply-patch"));
    applies
        .map(|text| serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap())
        .collect()
}

#[test]
fn what_stays_the_same_is_applied_once_and_what_changes_after_a_minute() {
    let server = FakeServer::start(|_, _| json(200, NODE));
    let mut reporter = reporter(&server);
    let start = Instant::now();
    for second in (0..300).step_by(10) {
        let next = reporter.tick(start + Duration::from_secs(second), &facts());
        assert_eq!(next, LOOK);
    }
    assert_eq!(applied(&server).len(), 1);
    let measured = include_bytes!("../../../crates/policy/corpus/report/full.json");
    fs::write(server.dir.path().join("measure.json"), measured).unwrap();
    reporter.tick(start + Duration::from_mins(5), &facts());
    let applied = applied(&server);
    assert_eq!(applied.len(), 2);
    let [first, second] = [&applied[0]["metadata"], &applied[1]["metadata"]];
    assert_eq!(first["labels"], serde_json::json!({"fastpath.dev/vf": "true"}));
    assert_eq!(second["labels"]["fastpath.dev/vf-p99-us"], "20");
    assert!(first["annotations"].get(policy::PATHS).is_none());
    let told = second["annotations"][policy::PATHS].as_str().unwrap();
    let [told, measured] =
        [told.as_bytes(), measured].map(|text| policy::Report::from_json(text).unwrap());
    assert_eq!(told, measured);
    assert_eq!(second["uid"], "u-1");
}

#[test]
fn a_damaged_measurement_is_no_measurement() {
    let server = FakeServer::start(|_, _| json(200, NODE));
    for text in ["", "{", &"x".repeat(70_000)] {
        fs::write(server.dir.path().join("measure.json"), text).unwrap();
        reporter(&server).tick(Instant::now(), &facts());
        let told = applied(&server).pop().unwrap();
        assert_eq!(told["metadata"]["labels"], serde_json::json!({"fastpath.dev/vf": "true"}));
    }
}

#[test]
fn a_refusal_is_tried_again_soon() {
    let server = FakeServer::start(|nth, _| json(if nth == 0 { 500 } else { 200 }, NODE));
    let mut reporter = reporter(&server);
    let start = Instant::now();
    assert_eq!(reporter.tick(start, &facts()), Duration::from_secs(10));
    assert_eq!(reporter.tick(start + Duration::from_secs(9), &facts()), Duration::from_secs(1));
    assert!(applied(&server).is_empty());
    assert_eq!(reporter.tick(start + Duration::from_secs(10), &facts()), LOOK);
    assert_eq!(applied(&server).len(), 1);
}

#[test]
fn no_node_is_created_by_reporting_and_none_is_missed_when_stopping() {
    let missing = r#"{"kind": "Status", "details": {"name": "n1"}, "code": 404}"#;
    let server = FakeServer::start(move |_, _| json(404, missing));
    let mut reporter = reporter(&server);
    let content = reporter.content(&facts());
    let error = reporter.config.write(&content, Timestamp::now()).unwrap_err();
    assert!(error.to_string().contains("there is no node \"n1\""), "{error:#}");
    reporter.stop().unwrap();
    assert!(applied(&server).is_empty());
}

#[test]
fn stopping_applies_nothing_but_the_name() {
    let server = FakeServer::start(|_, _| json(200, NODE));
    reporter(&server).stop().unwrap();
    let nothing = serde_json::json!({"name": "n1", "uid": "u-1"});
    assert_eq!(applied(&server)[0]["metadata"], nothing);
}

#[test]
fn a_feature_file_comes_and_goes_without_an_api_server() {
    let etc = tempfile::tempdir().unwrap();
    let dir = etc.path().join("kubernetes/node-feature-discovery/features.d");
    fs::create_dir_all(&dir).unwrap();
    let host = Host { etc: etc.path().to_owned(), ..Host::real() };
    let measured = etc.path().join("measure.json");
    let config = Config { node: "n1".to_owned(), measured, target: Target::nfd(&host) };
    let mut reporter = Reporter::new(config);
    assert_eq!(reporter.tick(Instant::now(), &facts()), LOOK);
    let text = fs::read_to_string(dir.join("fastpath")).unwrap();
    assert!(text.ends_with("\nfastpath.dev/vf=true\n"), "{text}");
    reporter.stop().unwrap();
    assert_eq!(fs::read_dir(dir).unwrap().count(), 0);
}

#[test]
fn a_node_name_never_becomes_another_path() {
    let server = FakeServer::start(|_, _| json(200, NODE));
    let mut config = reporter(&server).config;
    config.node = "../namespaces/kube-system".to_owned();
    assert!(config.remove().is_ok());
    assert!(server.requests().is_empty());
}
