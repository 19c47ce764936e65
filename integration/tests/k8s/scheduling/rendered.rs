//! Components of deploy/latency-scheduler that this API server is too old for, or that need another program: each shape
//! takes them.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::bed;

/// The objects of a shape with components, as kustomize makes them.
fn rendered(shape: &str, components: &[&str]) -> Vec<Value> {
    let dir = tempfile::tempdir().unwrap();
    let up = "../".repeat(dir.path().components().count() - 1);
    let deploy = fs::canonicalize(bed::repository().join("deploy/latency-scheduler")).unwrap();
    let deploy = format!("{up}{}", deploy.strip_prefix("/").unwrap().display());
    let of = |name: &&str| Path::new(&deploy).join(name);
    let kustomization = json!({
        "resources": [of(&shape)],
        "components": components.iter().map(of).collect::<Vec<_>>(),
    });
    fs::write(dir.path().join("kustomization.yaml"), kustomization.to_string()).unwrap();
    let text = bed::api().kubectl(&["kustomize", &dir.path().display().to_string()]);
    serde_saphyr::from_multiple(&text).unwrap()
}

fn webhooks(objects: &[Value]) -> Vec<&Value> {
    let all = objects.iter().filter_map(|object| object["webhooks"].as_array());
    all.flatten().collect()
}

#[test]
fn each_shape_takes_conditions_and_cert_manager() {
    for shape in [".", "own", "remote"] {
        let plain = rendered(shape, &[]);
        assert_eq!(webhooks(&plain).len(), 3, "{shape}");
        for webhook in webhooks(&plain) {
            assert!(webhook["matchConditions"].is_null());
            assert!(webhook["namespaceSelector"].to_string().contains("fastpath.dev/admission"));
        }

        let all = rendered(shape, &["by-budget", "cert-manager"]);
        for webhook in webhooks(&all) {
            let conditions = webhook["matchConditions"].to_string();
            assert!(conditions.contains("'fastpath.dev/latency'"), "{webhook}");
            let selector = webhook["namespaceSelector"].to_string();
            // kube-system is left out as before, and all others are asked about.
            assert!(
                selector.contains("kube-system") && !selector.contains("enabled"),
                "{selector}"
            );
        }
        let told = |kind: &str| -> Vec<&Value> {
            all.iter().filter(|object| object["kind"] == kind).collect()
        };
        for kind in ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"] {
            let from = &told(kind)[0]["metadata"]["annotations"]["cert-manager.io/inject-ca-from"];
            assert_eq!(from, "kube-system/latency-scheduler");
        }
        // What it makes is what the program is given.
        assert_eq!(told("Certificate")[0]["spec"]["secretName"], "latency-scheduler-tls");
        let workload = all.iter().find(|object| object["spec"]["template"].is_object()).unwrap();
        assert!(workload.to_string().contains(r#""secretName":"latency-scheduler-tls""#));
    }
}
