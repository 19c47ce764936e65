//! What is not created, and what its author is told.

use serde_json::{Value, json};

use super::{admitted_in, pod, refused, settings};
use crate::admission::Settings;

/// The message has all of these.
#[track_caller]
fn says(message: &str, words: &[&str]) {
    assert!(words.iter().all(|word| message.contains(word)), "{message}");
    assert!(message.len() < 1000 && !message.contains(char::is_control), "{message:?}");
}

#[test]
fn nonsense_is_refused_with_what_would_work() {
    let long = "9".repeat(300);
    for budget in [
        "",
        "-1",
        "+5",
        "5e3",
        "fast",
        "0",
        "0800",
        "5000us",
        " 5000",
        "5.0",
        "1_000",
        "18446744073709551616",
        &long,
    ] {
        says(&refused(&pod(&json!({"latency": budget}))), &["latency", "such as \"5000\""]);
    }
    for budget in ["", "5000", "5 ms", "-5ms", "5s", "0us", "1e3us", "18446744073709551615ms"] {
        let message = refused(&pod(&json!({"fastpath.dev/latency": budget})));
        says(&message, &["fastpath.dev/latency", "\"800us\" or \"5ms\""]);
    }
    let two = refused(&pod(&json!({"latency": "5000", "fastpath.dev/latency": "6ms"})));
    says(&two, &["5000", "6000", "give one"]);
}

#[test]
fn below_the_lowest_band_the_least_budget_is_told() {
    for budget in ["1", "799"] {
        says(&refused(&pod(&json!({"latency": budget}))), &[budget, "800"]);
    }
}

#[test]
fn annotations_of_ours_are_what_they_must_be() {
    for (key, value) in [
        ("fastpath.dev/interfaces", "0"),
        ("fastpath.dev/interfaces", "two"),
        ("fastpath.dev/require-measured", "yes"),
        ("fastpath.dev/inject", "no"),
    ] {
        says(&refused(&pod(&json!({"latency": "1000", key: value}))), &[key, value, "must be"]);
    }
    let message = refused(&pod(&json!({"latency": "1000", "fastpath.dev/container": "db"})));
    says(&message, &["no container \"db\"", "it has app"]);
}

#[test]
fn nobody_stamps_a_pod_himself() {
    let message = refused(&pod(&json!({"latency": "20000", "fastpath.dev/path": "vf"})));
    says(&message, &["fastpath.dev/path is \"vf\"", "is kernel"]);
}

#[test]
fn what_is_named_and_too_slow_is_refused() {
    for (named, budget, path, wanted) in [
        ("slots", "5000", "ovs-dpdk", "vf"),
        ("fast,slots", "800", "ovs-dpdk", "vf"),
        ("bridge", "10000", "kernel", "ovs-dpdk"),
    ] {
        let before = pod(&json!({"latency": budget, "k8s.v1.cni.cncf.io/networks": named}));
        says(&refused(&before), &[&format!("path {path}"), budget, &format!("takes {wanted}")]);
    }
    let mut before = pod(&json!({"latency": "5000"}));
    before["spec"]["containers"][0]["resources"] =
        json!({"limits": {"fastpath.dev/vhostuser": "1"}});
    says(&refused(&before), &["resource fastpath.dev/vhostuser", "ovs-dpdk"]);
}

#[test]
fn some_network_of_a_fast_pod_is_on_a_fast_path() {
    let named = |name: &str| pod(&json!({"latency": "1000", "k8s.v1.cni.cncf.io/networks": name}));
    says(&refused(&named("management")), &["fastpath.dev/path=vf", "or name none"]);
    says(&refused(&named("nowhere")), &["default/nowhere", "does not exist"]);
    let longest = "n".repeat(253);
    says(&refused(&named(&longest)), &[&longest, "does not exist"]);
    says(&refused(&named("../nodes")), &["network selection [0]", "namespace"]);
    says(&refused(&named("[{\"name\": 5}]")), &["network selection [0]"]);
}

#[test]
fn which_network_is_meant_is_asked_where_it_is_not_clear() {
    let fast = pod(&json!({"latency": "1000"}));
    let message = admitted_in("two", &fast, &settings()).unwrap_err();
    says(&message, &["two/a, two/b of two have the label fastpath.dev/path=vf"]);
    let slower = pod(&json!({"latency": "7000"}));
    let message = admitted_in("lonely", &slower, &settings()).unwrap_err();
    says(&message, &["none of lonely and shared", "fastpath.dev/path=ovs-dpdk"]);
    let message = admitted_in("lonely", &fast, &Settings::default()).unwrap_err();
    says(&message, &["none of lonely have"]);
}

#[test]
fn devices_take_a_container() {
    for none in [json!(null), json!([])] {
        let mut before = pod(&json!({"latency": "1000"}));
        before["spec"]["containers"] = none;
        says(&refused(&before), &["no container", "it has none"]);
    }
}

#[test]
fn what_is_no_pod_is_refused_by_its_place() {
    for (place, value) in [
        ("/metadata", json!([])),
        ("/metadata/annotations", json!("latency")),
        ("/metadata/annotations", json!({"latency": 5000})),
        ("/spec", json!(null)),
        ("/spec/containers", json!({"name": "app"})),
        ("/spec/containers/0", json!("app")),
        ("/spec/containers/0/resources", json!([])),
        ("/spec/affinity", json!([])),
        ("/spec/affinity", json!({"nodeAffinity": "near"})),
        ("/spec/affinity", required(&json!("all"))),
        ("/spec/affinity", required(&json!({"nodeSelectorTerms": {}}))),
        ("/spec/affinity", required(&json!({"nodeSelectorTerms": [null]}))),
        ("/spec/affinity", required(&json!({"nodeSelectorTerms": [{"matchExpressions": 5}]}))),
    ] {
        let mut before = pod(&json!({"latency": "1000"}));
        before["spec"]["affinity"] = json!({});
        before["spec"]["containers"][0]["resources"] = json!({});
        *before.pointer_mut(place).unwrap() = value.clone();
        says(&refused(&before), &["of the pod is not"]);
    }
}

#[test]
fn a_namespace_is_one() {
    for namespace in ["", "..", "a/b", "a.b", "A", &"n".repeat(64)] {
        let message = admitted_in(namespace, &pod(&json!({"latency": "1000"})), &settings());
        says(&message.unwrap_err(), &["/metadata/namespace"]);
    }
}

fn required(value: &Value) -> Value {
    json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": value}})
}
