//! The envelope.

use serde_json::{Value, json};

use super::{networks, pod, response, review, settings};
use crate::admission::{mutate, validate};

#[test]
fn what_is_no_review_is_not_answered() {
    let good = review("CREATE", "default", &pod(&json!({})), &Value::Null);
    let with = |key: &str, value: Value| {
        let mut review = good.clone();
        *review.pointer_mut(key).unwrap() = value;
        review.to_string()
    };
    for body in [
        String::new(),
        "null".into(),
        "{}".into(),
        "[".repeat(100_000),
        good.to_string() + "x",
        with("/apiVersion", json!("admission.k8s.io/v1beta1")),
        with("/kind", json!("Pod")),
        with("/request", Value::Null),
        with("/request/uid", json!(5)),
        with("/request/namespace", json!(["default"])),
    ] {
        assert!(mutate(body.as_bytes(), &settings(), &networks()).is_err(), "{body:.80}");
        assert!(validate(body.as_bytes(), &settings()).is_err(), "{body:.80}");
    }
}

#[test]
fn what_is_not_the_creation_of_a_pod_is_none_of_its_business() {
    let nonsense = pod(&json!({"latency": "fast"}));
    let created = review("CREATE", "default", &nonsense, &Value::Null);
    for (place, value) in [
        ("/request/operation", json!("DELETE")),
        ("/request/operation", json!("CONNECT")),
        ("/request/kind/group", json!("apps")),
        ("/request/kind/kind", json!("PodTemplate")),
    ] {
        let mut review = created.clone();
        *review.pointer_mut(place).unwrap() = value;
        let body = review.to_string();
        for answer in [
            mutate(body.as_bytes(), &settings(), &networks()),
            validate(body.as_bytes(), &settings()),
        ] {
            let response = response(answer.unwrap());
            assert_eq!((&response["allowed"], response.get("patch")), (&json!(true), None));
        }
    }
}
