//! Merging with the affinity that a pod has. The witness evaluates terms as kube-scheduler documents them.

use serde_json::{Value, json};

use super::{admitted, pod};

type Labels = [(&'static str, &'static str)];

/// Whether a node with these labels may have a pod with these terms.
fn fits(terms: &Value, labels: &Labels) -> bool {
    terms.as_array().unwrap().iter().any(|term| {
        let empty = Vec::new();
        let expressions = term["matchExpressions"].as_array().unwrap_or(&empty);
        let fields = term["matchFields"].as_array().unwrap_or(&empty);
        let some = !expressions.is_empty() || !fields.is_empty();
        some && expressions.iter().all(|one| holds(one, labels))
    })
}

fn holds(expression: &Value, labels: &Labels) -> bool {
    let has = labels.iter().find(|(key, _)| expression["key"] == *key).map(|(_, value)| *value);
    let values = expression["values"].as_array();
    let listed = |value: &str| values.unwrap().iter().any(|one| one == value);
    match expression["operator"].as_str().unwrap() {
        "In" => has.is_some_and(listed),
        "NotIn" => !has.is_some_and(listed),
        "Exists" => has.is_some(),
        "DoesNotExist" => has.is_none(),
        "Lt" => has.is_some_and(|value| {
            let limit: i64 = values.unwrap()[0].as_str().unwrap().parse().unwrap();
            value.parse::<i64>().is_ok_and(|value| value < limit)
        }),
        other => panic!("{other}"),
    }
}

/// The terms of a pod for VFs with a budget of 1000 µs, which had these.
fn merged(terms: &Value) -> Value {
    let mut before = pod(&json!({"latency": "1000"}));
    before["spec"]["affinity"] = json!({
        "podAffinity": null,
        "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}},
    });
    let mut after = admitted(&before);
    after["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        ["nodeSelectorTerms"]
        .take()
}

const ZONE: (&str, &str) = ("zone", "a");
const DISK: (&str, &str) = ("disk", "ssd");
const VF: (&str, &str) = ("fastpath.dev/vf", "true");
const FAST: (&str, &str) = ("fastpath.dev/vf-p99-us", "1000");
const SLOW: (&str, &str) = ("fastpath.dev/vf-p99-us", "1001");

#[test]
fn a_node_must_fit_what_was_asked_before_and_the_budget() {
    let zone = json!({"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]});
    let disk = json!({"matchExpressions": [{"key": "disk", "operator": "Exists"}]});
    let user = json!([zone, disk]);
    let merged = merged(&user);
    assert_eq!(merged.as_array().unwrap().len(), 4);
    let figures: [&Labels; 6] = [&[], &[VF], &[FAST], &[VF, FAST], &[VF, SLOW], &[SLOW]];
    let places: [&Labels; 4] = [&[], &[ZONE], &[DISK], &[ZONE, DISK]];
    for place in places {
        for (figure, good) in figures.iter().zip([false, true, true, true, false, false]) {
            let labels = [place, *figure].concat();
            assert_eq!(fits(&merged, &labels), fits(&user, &labels) && good, "{labels:?}");
        }
    }
    assert!(!fits(&merged, &[ZONE, ("fastpath.dev/vf", "false")]));
}

#[test]
fn the_terms_of_a_daemon_set_keep_their_node() {
    let node =
        json!({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]});
    let merged = merged(&json!([node]));
    let terms = merged.as_array().unwrap();
    assert_eq!(terms.len(), 2);
    assert!(terms.iter().all(|term| term["matchFields"] == node["matchFields"]), "{merged}");
    assert!(fits(&merged, &[VF]) && !fits(&merged, &[]) && !fits(&merged, &[SLOW, VF]));
}

#[test]
fn terms_that_match_no_node_match_none_afterwards() {
    for empty in [json!({}), json!({"matchExpressions": [], "matchFields": null})] {
        assert_eq!(merged(&json!([empty])), json!([empty]));
        let zone = json!({"matchExpressions": [{"key": "zone", "operator": "Exists"}]});
        let merged = merged(&json!([empty, zone]));
        assert_eq!(merged.as_array().unwrap().len(), 3);
        assert!(!fits(&merged, &[VF]) && fits(&merged, &[VF, ZONE]));
    }
    // The API server refuses a pod like this, and shall.
    assert_eq!(merged(&json!([])), json!([]));
}

#[test]
fn no_affinity_is_no_affinity_however_it_is_written() {
    let expected = admitted(&pod(&json!({"latency": "1000"})))["spec"]["affinity"].take();
    for none in [
        Value::Null,
        json!({}),
        json!({"nodeAffinity": null}),
        json!({"nodeAffinity": {}}),
        json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": null}}),
    ] {
        let mut before = pod(&json!({"latency": "1000"}));
        before["spec"]["affinity"] = none;
        assert_eq!(admitted(&before)["spec"]["affinity"], expected);
    }
}

#[test]
fn affinity_to_other_pods_stays() {
    let others = json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
        {"topologyKey": "kubernetes.io/hostname"}]}});
    let mut before = pod(&json!({"latency": "1000"}));
    before["spec"]["affinity"] = others.clone();
    assert_eq!(admitted(&before)["spec"]["affinity"]["podAntiAffinity"], others["podAntiAffinity"]);
}
