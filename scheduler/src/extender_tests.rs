//! Requests that real schedulers sent (`tests/wire`), and what is answered to them.

use policy::NodeObjects;
use serde_json::{Value, json};

use super::*;

const NOW: &str = "2026-11-28T12:00:00Z";
const FILTER: &str = include_str!("../tests/wire/1.36-filter.json");
const PREEMPT: &str = include_str!("../tests/wire/1.36-preempt.json");

/// The nodes that the recorded requests ask about, fake-a to fake-c, and two more.
fn table() -> Table {
    let list: NodeObjects = serde_json::from_str(include_str!("../tests/wire/nodes.json")).unwrap();
    list.items.unwrap().into_iter().map(crate::nodes::entry).collect()
}

fn ask(verb: Verb, body: &str) -> Result<String> {
    let answer = verb(body.as_bytes(), &table(), NOW.parse().unwrap())?;
    Ok(String::from_utf8(answer).unwrap())
}

/// A recorded request whose pod has these annotations.
fn annotated(request: &str, annotations: &Value) -> String {
    let mut request: Value = serde_json::from_str(request).unwrap();
    request["Pod"]["metadata"]["annotations"] = annotations.clone();
    request.to_string()
}

fn within(us: &str, path: &str) -> Value {
    json!({"latency": us, "fastpath.dev/path": path})
}

/// A question about these nodes.
fn about(names: &[&str], annotations: &Value) -> String {
    json!({"Pod": {"metadata": {"annotations": annotations}}, "Nodes": null, "NodeNames": names})
        .to_string()
}

fn passed(body: &str) -> Vec<String> {
    let answer: Value = serde_json::from_str(&ask(filter, body).unwrap()).unwrap();
    serde_json::from_value(answer["NodeNames"].clone()).unwrap()
}

/// The names that a recorded request asks about.
fn asked(request: &str) -> Value {
    serde_json::from_str::<Value>(request).unwrap()["NodeNames"].take()
}

#[test]
fn a_pod_without_a_budget_may_go_anywhere_and_nowhere_rather() {
    for recorded in [FILTER, include_str!("../tests/wire/1.20-filter.json")] {
        let names = asked(recorded);
        assert_eq!(names.as_array().unwrap().len(), 3);
        assert_eq!(
            ask(filter, recorded).unwrap(),
            format!(
                r#"{{"NodeNames":{names},"FailedNodes":{{}},"FailedAndUnresolvableNodes":{{}},"Error":""}}"#
            )
        );
    }
    for recorded in [
        include_str!("../tests/wire/1.36-prioritize.json"),
        include_str!("../tests/wire/1.20-prioritize.json"),
    ] {
        assert_eq!(ask(prioritize, recorded).unwrap(), "[]");
    }
}

#[test]
fn a_node_that_is_too_slow_is_refused_with_its_figure() {
    let body = annotated(FILTER, &within("800", "vf"));
    let why = "its p99 of vf is 900 µs, above the budget of 800 µs";
    assert_eq!(
        ask(filter, &body).unwrap(),
        format!(
            r#"{{"NodeNames":["fake-a","fake-b"],"FailedNodes":{{"fake-c":"{why}"}},"FailedAndUnresolvableNodes":{{"fake-c":"{why}"}},"Error":""}}"#
        )
    );
}

#[test]
fn measured_nodes_go_before_others_and_new_ones_and_who_has_nothing_is_left_out() {
    let all = ["fake-a", "fake-b", "fake-c", "fake-d", "fake-e", "unknown"];
    let body = about(&all, &within("5000", "vf"));
    assert_eq!(
        ask(prioritize, &body).unwrap(),
        r#"[{"Host":"fake-a","Score":10},{"Host":"fake-b","Score":1},{"Host":"fake-c","Score":6},{"Host":"unknown","Score":1}]"#
    );
    // fake-d's report is out of date, which keeps no pod away.
    assert_eq!(passed(&body), ["fake-a", "fake-b", "fake-c", "fake-d", "unknown"]);
}

#[test]
fn a_node_with_several_paths_is_answered_once_for_the_one_that_is_wanted() {
    let node = |name: &str, labels: Value| json!({"metadata": {"name": name, "labels": labels}});
    let both = json!({
        "dpdk": "7", "ovs-dpdk": "true", "fastpath.dev/vf": "true", "fastpath.dev/vf-p99-us": "30",
        "fastpath.dev/ovs-dpdk": "true", "fastpath.dev/ovs-dpdk-p99-us": "9000",
    });
    let list = json!({"items": [node("both", both), node("plain", json!({}))]});
    let list: NodeObjects = serde_json::from_value(list).unwrap();
    let table = list.items.unwrap().into_iter().map(crate::nodes::entry).collect();
    let ask = |verb: Verb, us: &str, path: &str| {
        let body = about(&["both", "plain"], &within(us, path));
        let answer = verb(body.as_bytes(), &table, NOW.parse().unwrap()).unwrap();
        serde_json::from_slice::<Value>(&answer).unwrap()
    };
    assert_eq!(ask(prioritize, "5000", "vf"), json!([{"Host": "both", "Score": 10}]));
    assert_eq!(ask(prioritize, "9500", "ovs-dpdk"), json!([{"Host": "both", "Score": 2}]));
    // Where nobody keeps it, a node of another kind is no substitute.
    let nobody = ask(filter, "7000", "ovs-dpdk");
    assert_eq!(nobody["NodeNames"], json!([]));
    assert_eq!(nobody["FailedNodes"].as_object().unwrap().len(), 2);
}

#[test]
fn a_slow_pod_is_kept_away_from_fast_nodes() {
    let body = about(&["fake-a", "fake-e", "unknown"], &within("10001", "kernel"));
    assert_eq!(
        ask(prioritize, &body).unwrap(),
        r#"[{"Host":"fake-e","Score":10},{"Host":"unknown","Score":1}]"#
    );
    assert_eq!(passed(&body), ["fake-a", "fake-e", "unknown"]);
}

#[test]
fn a_pod_that_admission_did_not_see_is_refused_everywhere() {
    let answer = ask(filter, &annotated(FILTER, &json!({"latency": "5000"}))).unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["NodeNames"], json!([]));
    for node in ["fake-a", "fake-b", "fake-c"] {
        let why = answer["FailedNodes"][node].as_str().unwrap();
        assert!(why.starts_with("admission did not run"), "{why}");
    }
    assert!(passed(&about(&["fake-a"], &json!({"latency": "5e3"}))).is_empty());
}

#[test]
fn room_is_made_only_where_the_pod_can_run() {
    let accepted = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let full = accepted(include_str!("../tests/wire/1.36-preempt-accepted.json"));
    let answer = |body: &str| accepted(&ask(preempt, body).unwrap());
    assert_eq!(answer(PREEMPT), full);
    let mut fitting = full.clone();
    fitting["NodeNameToMetaVictims"].as_object_mut().unwrap().remove("fake-c").unwrap();
    assert_eq!(answer(&annotated(PREEMPT, &within("800", "vf"))), fitting);
    assert_eq!(
        answer(&annotated(PREEMPT, &json!({"latency": "800"}))),
        json!({"NodeNameToMetaVictims": {}})
    );
    // A scheduler that thinks that we do not know the nodes sends whole pods.
    let pods = include_str!("../tests/wire/1.36-preempt-pods.json");
    assert_eq!(
        answer(pods),
        accepted(include_str!("../tests/wire/1.36-preempt-pods-accepted.json"))
    );
}

#[test]
fn whole_nodes_instead_of_names_are_refused_with_what_to_set() {
    let nodes = include_str!("../tests/wire/1.36-filter-nodes.json");
    for verb in [filter as Verb, prioritize] {
        let error = ask(verb, nodes).unwrap_err().to_string();
        assert!(error.contains("nodeCacheCapable: true"), "{error}");
    }
}

#[test]
fn everything_may_be_null_absent_or_in_lower_case() {
    let nothing = r#"{"NodeNames":[],"FailedNodes":{},"FailedAndUnresolvableNodes":{},"Error":""}"#;
    for body in [
        "{}",
        r#"{"Pod":null,"Nodes":null,"NodeNames":null}"#,
        r#"{"Pod":{"metadata":null},"NodeNames":[]}"#,
        r#"{"pod":{"metadata":{"annotations":null}},"nodes":null,"nodenames":[]}"#,
    ] {
        assert_eq!(ask(filter, body).unwrap(), nothing, "{body}");
        assert_eq!(ask(prioritize, body).unwrap(), "[]", "{body}");
        assert_eq!(ask(preempt, body).unwrap(), r#"{"NodeNameToMetaVictims":{}}"#, "{body}");
    }
    let lower = FILTER.replace("\"Pod\":", "\"pod\":").replace("\"NodeNames\":", "\"nodenames\":");
    let lower = lower.replace("\"Nodes\":", "\"nodes\":");
    assert_eq!(json!(passed(&lower)), asked(FILTER));
    let victims =
        r#"{"NodeNameToMetaVictims":{"fake-a":null,"":{"Pods":[]},"fake-b":{"Pods":null}}}"#;
    assert_eq!(
        ask(preempt, victims).unwrap(),
        r#"{"NodeNameToMetaVictims":{"fake-b":{"Pods":null,"NumPDBViolations":0}}}"#
    );
}

#[test]
fn only_who_was_asked_about_is_answered() {
    let long = "n".repeat(253);
    for asked in [vec!["fake-a"], vec!["", "fake-a", ""]] {
        let body = about(&asked, &within("5000", "vf"));
        assert_eq!(ask(prioritize, &body).unwrap(), r#"[{"Host":"fake-a","Score":10}]"#);
        assert_eq!(passed(&body), ["fake-a"]);
        assert!(!ask(filter, &body).unwrap().contains(r#""":"#));
    }
    assert_eq!(passed(&about(&[&long, "fake-a"], &within("5000", "vf"))), [&long, "fake-a"]);
    assert_eq!(passed(&about(&["", "x"], &json!({}))), ["x"]);
    // Escaped names are the same names.
    let escaped = about(&["fake-a"], &within("5000", "vf")).replace("fake-a", "fake\\u002da");
    assert_eq!(passed(&escaped), ["fake-a"]);
}

#[test]
fn what_is_cut_off_or_of_another_shape_is_refused() {
    for end in 0..FILTER.len() {
        assert!(ask(filter, &FILTER[..end]).is_err(), "{end}");
    }
    for body in [
        "",
        "null",
        "[]",
        "1",
        "\"x\"",
        "{} x",
        r#"{"NodeNames":{}}"#,
        r#"{"NodeNames":[null]}"#,
        r#"{"NodeNames":[1]}"#,
        r#"{"Pod":{"metadata":{"annotations":{"a":1}}}}"#,
        r#"{"NodeNames":[],"nodenames":[]}"#,
    ] {
        for verb in [filter as Verb, prioritize] {
            assert!(ask(verb, body).is_err(), "{body}");
        }
    }
    assert!(ask(preempt, r#"{"NodeNameToMetaVictims":{"a":{"Pods":[{}]}}}"#).is_err());
    assert!(ask(filter, &"[".repeat(1_000_000)).is_err());
}

#[test]
fn scores_are_from_1_to_10_whatever_the_figures() {
    let figures = (0..2000).chain([5_000, 1 << 30]);
    let table: Table = figures
        .map(|us| {
            let figure: &str = us.to_string().leak();
            let node = Node::from_metadata(
                |key| (key == "fastpath.dev/vf-p99-us").then_some(figure),
                |_| None,
            );
            (format!("n{us}").into(), node)
        })
        .collect();
    let names: Vec<&str> = table.keys().map(|name| &**name).collect();
    for budget in ["1", "800", "5000", "9223372036854775806"] {
        let body = about(&names, &within(budget, "vf"));
        let answer = prioritize(body.as_bytes(), &table, NOW.parse().unwrap()).unwrap();
        let scores: Vec<Value> = serde_json::from_slice(&answer).unwrap();
        assert!(!scores.is_empty());
        assert!(scores.iter().all(|one| (1..=10).contains(&one["Score"].as_u64().unwrap())));
    }
}
