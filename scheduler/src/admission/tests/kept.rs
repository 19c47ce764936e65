//! What holds after creation.

use serde_json::{Value, json};

use super::{pod, validated};

#[test]
fn a_pod_with_a_budget_was_stamped_with_a_path_that_serves_it() {
    for (annotations, word) in [
        (json!({"latency": "1000"}), "admission did not run"),
        (json!({"latency": "1000", "fastpath.dev/path": "ovs-dpdk"}), "this pod's path is vf"),
        (json!({"latency": "7000", "fastpath.dev/path": "kernel"}), "this pod's path is ovs-dpdk"),
        (json!({"latency": "7000", "fastpath.dev/path": "dpdk"}), "fastpath.dev/path"),
        (json!({"latency": "700", "fastpath.dev/path": "vf"}), "800"),
    ] {
        let message = validated("CREATE", &pod(&annotations), &Value::Null).unwrap_err();
        assert!(message.contains(word), "{message}");
    }
    for annotations in [
        json!({}),
        json!({"latency": "1000", "fastpath.dev/inject": "false"}),
        json!({"latency": "7000", "fastpath.dev/path": "vf"}),
        json!({"latency": "900", "fastpath.dev/path": "ovn"}),
    ] {
        assert_eq!(validated("CREATE", &pod(&annotations), &Value::Null), Ok(()));
    }
}

#[test]
fn neither_budget_nor_path_changes() {
    let stamped = json!({"latency": "1000", "fastpath.dev/path": "vf", "team": "a"});
    for (key, value) in [
        ("latency", json!("1001")),
        ("fastpath.dev/latency", json!("1ms")),
        ("fastpath.dev/path", json!("kernel")),
    ] {
        let mut changed = stamped.clone();
        changed[key] = value;
        let message = validated("UPDATE", &pod(&changed), &pod(&stamped)).unwrap_err();
        assert!(message.contains(&format!("annotation {key} is decided")), "{message}");
        let message = validated("UPDATE", &pod(&changed), &pod(&json!({}))).unwrap_err();
        assert!(message.contains("is decided"), "{message}");
        let message = validated("UPDATE", &pod(&Value::Null), &pod(&changed)).unwrap_err();
        assert!(message.contains("is decided"), "{message}");
    }
    let mut other = stamped.clone();
    other["team"] = json!("b");
    assert_eq!(validated("UPDATE", &pod(&other), &pod(&stamped)), Ok(()));
    // One from before there was admission lives on.
    let old = pod(&json!({"latency": "fast"}));
    assert_eq!(validated("UPDATE", &old, &old), Ok(()));
}
