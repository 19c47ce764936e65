//! Whole pods go in, whole pods come out. The patch is applied by another implementation of RFC 6902.

mod affinity;
mod given;
mod kept;
mod refused;
mod review;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::networks::fake::{Fake, definition};
use super::{Settings, mutate, validate};

/// A pod in namespace `default` with these annotations and one container `app`.
fn pod(annotations: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"generateName": "web-", "annotations": annotations},
        "spec": {"containers": [{"name": "app", "image": "app"}]},
    })
}

/// The networks of the tests' cluster.
fn networks() -> Fake {
    Fake(vec![
        definition("default", "vf-net", "fastpath.dev/vf", "vf"),
        definition("default", "vhost-net", "fastpath.dev/vhostuser", "ovs-dpdk"),
        definition("default", "fast", "fastpath.dev/vf", ""),
        definition("default", "slots", "fastpath.dev/vhostuser", ""),
        definition("default", "overlay", "", "ovn"),
        definition("default", "bridge", "", "kernel"),
        definition("default", "management", "", ""),
        definition("default", "other-card", "intel.com/sriov", ""),
        definition("shared", "vf.all", "fastpath.dev/vf-pool2", "vf"),
        definition("two", "a", "fastpath.dev/vf", "vf"),
        definition("two", "b", "fastpath.dev/vf", "vf"),
    ])
}

fn settings() -> Settings {
    Settings { shared_namespace: Some("shared".into()), ..Settings::default() }
}

fn review(operation: &str, namespace: &str, object: &Value, old: &Value) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "operation": operation, "namespace": namespace, "dryRun": true,
            "object": object, "oldObject": old, "options": null,
        },
    })
}

/// The response in an answer, which is for our question.
fn response(mut answer: Value) -> Value {
    assert_eq!(answer["apiVersion"], "admission.k8s.io/v1");
    assert_eq!(answer["kind"], "AdmissionReview");
    let response = answer["response"].take();
    assert_eq!(response["uid"], "705ab4f5-6393-11e8-b7cc-42010a800002");
    response
}

/// The response to the creation of a pod.
fn asked(namespace: &str, pod: &Value, settings: &Settings) -> Value {
    let review = review("CREATE", namespace, pod, &Value::Null).to_string();
    response(mutate(review.as_bytes(), settings, &networks()).unwrap())
}

/// The pod as it is created, and the warnings; else why it is not.
fn admitted_in(
    namespace: &str,
    pod: &Value,
    settings: &Settings,
) -> Result<(Value, Value), String> {
    let response = asked(namespace, pod, settings);
    if response["allowed"] != true {
        assert!(response.get("patch").is_none(), "{response}");
        assert!(response["status"]["code"].as_u64().unwrap() >= 400, "{response}");
        return Err(response["status"]["message"].as_str().unwrap().to_owned());
    }
    let mut patched = pod.clone();
    if let Some(patch) = response["patch"].as_str() {
        assert_eq!(response["patchType"], "JSONPatch");
        let patch = STANDARD.decode(patch).unwrap();
        let patch: json_patch::Patch = serde_json::from_slice(&patch).unwrap();
        json_patch::patch(&mut patched, &patch).unwrap();
    }
    Ok((patched, response["warnings"].clone()))
}

/// The pod as it is created in `default`. It passes once more without a change, and `/validate`.
fn admitted(pod: &Value) -> Value {
    let (patched, _) = admitted_in("default", pod, &settings()).unwrap();
    let again = asked("default", &patched, &settings());
    assert_eq!(again["allowed"], true, "{again}");
    assert!(again.get("patch").is_none(), "{again}");
    assert_eq!(validated("CREATE", &patched, &Value::Null), Ok(()));
    patched
}

/// Why a pod is not created in `default`.
fn refused(pod: &Value) -> String {
    admitted_in("default", pod, &settings()).unwrap_err()
}

fn validated(operation: &str, pod: &Value, old: &Value) -> Result<(), String> {
    let review = review(operation, "default", pod, old).to_string();
    let response = response(validate(review.as_bytes(), &settings()).unwrap());
    if response["allowed"] == true {
        return Ok(());
    }
    Err(response["status"]["message"].as_str().unwrap().to_owned())
}
