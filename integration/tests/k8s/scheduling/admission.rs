//! Admission, asked by a real API server: what kubectl's user sees, with which rights, and what starts while it is
//! down. Pods have no node here.

use serde_json::{Value, json};

use super::scene::{NAMESPACE, Scene, Shape};

impl Scene {
    fn create_in(
        &self,
        namespace: &str,
        name: &str,
        annotations: &Value,
        arguments: &[&str],
    ) -> Result<String, String> {
        self.create_labelled(namespace, name, annotations, &json!({}), arguments)
    }

    fn create_labelled(
        &self,
        namespace: &str,
        name: &str,
        annotations: &Value,
        labels: &Value,
        arguments: &[&str],
    ) -> Result<String, String> {
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": namespace, "annotations": annotations, "labels": labels},
            "spec": {"containers": [{"name": "app", "image": "app"}]},
        });
        self.create(&pod, arguments)
    }
}

fn stamp(pod: &Value) -> &Value {
    &pod["metadata"]["annotations"]["fastpath.dev/path"]
}

#[test]
fn what_a_pod_is_given_is_in_the_cluster_and_what_is_wrong_is_an_api_error() {
    let scene = Scene::new(Shape::Beside);
    let create = |name: &str, budget: &str| {
        scene.create_in(NAMESPACE, name, &json!({"latency": budget}), &[])
    };
    for (budget, path, resource) in [
        ("800", "vf", "fastpath.dev/vf"),
        ("801", "vf", "fastpath.dev/vf"),
        ("4999", "vf", "fastpath.dev/vf"),
        ("5000", "vf", "fastpath.dev/vf"),
        ("5001", "ovs-dpdk", "fastpath.dev/vhostuser"),
        ("9999", "ovs-dpdk", "fastpath.dev/vhostuser"),
        ("10000", "ovs-dpdk", "fastpath.dev/vhostuser"),
        ("10001", "kernel", ""),
    ] {
        let name = format!("p{budget}");
        create(&name, budget).unwrap();
        let pod = scene.pod(&name);
        assert_eq!(*stamp(&pod), path, "{budget}");
        let limits = &pod["spec"]["containers"][0]["resources"]["limits"];
        assert_eq!(limits.get(resource), (!resource.is_empty()).then_some(&json!("1")), "{budget}");
        let node = &pod["spec"]["affinity"]["nodeAffinity"];
        let terms = &node["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"];
        assert_eq!(terms.as_array().map_or(0, Vec::len), if path == "kernel" { 0 } else { 2 });
        let preferred = &node["preferredDuringSchedulingIgnoredDuringExecution"];
        assert_eq!(preferred.is_array(), path == "kernel", "{budget}");
    }
    for budget in ["799", "0", "-1", "5e3", "fast", "18446744073709551616"] {
        let error = create("refused", budget).unwrap_err();
        assert!(
            error.contains("give.admission.fastpath.dev") && error.contains("denied"),
            "{error}"
        );
        assert!(error.contains(if budget == "799" { "800" } else { "\"5000\"" }), "{error}");
    }
    assert!(scene.pod("refused").is_null());

    for change in ["latency=900", "fastpath.dev/path=kernel"] {
        let annotate = ["-n", NAMESPACE, "annotate", "--overwrite", "pod", "p800", change];
        let error = scene.api.try_kubectl(&annotate).unwrap_err();
        assert!(error.contains("is decided when a pod is created"), "{error}");
    }
    scene.api.kubectl(&["-n", NAMESPACE, "annotate", "pod", "p800", "team=a"]);

    scene.create_in(NAMESPACE, "plain", &json!({"team": "a"}), &[]).unwrap();
    let plain = scene.pod("plain");
    assert_eq!((stamp(&plain), &plain["spec"]["affinity"]), (&Value::Null, &Value::Null));
    scene.create_in(NAMESPACE, "dry", &json!({"latency": "7000"}), &["--dry-run=server"]).unwrap();
    assert!(scene.pod("dry").is_null());
    scene.create_in("other", "foreign", &json!({"latency": "fast"}), &[]).unwrap();
}

#[test]
fn while_it_is_down_pods_that_are_not_its_business_start() {
    let mut scene = Scene::new(Shape::Beside);
    scene.create_in(NAMESPACE, "before", &json!({"latency": "7000"}), &[]).unwrap();
    scene.program.kill();

    let error = scene.create_in(NAMESPACE, "fast", &json!({"latency": "7000"}), &[]).unwrap_err();
    assert!(error.contains("failed calling webhook"), "{error}");
    scene.create_in("other", "plain", &json!({}), &[]).unwrap();
    scene.create_in("kube-system", "system", &json!({}), &[]).unwrap();
    let skip = json!({"fastpath.dev/admission": "skip"});
    scene.create_labelled(NAMESPACE, "skipped", &json!({}), &skip, &[]).unwrap();
    // Controllers go on with the pods that there are.
    let controllers = ["-n", NAMESPACE, "label", "pod", "before", "controller=went-on"];
    scene.api.kubectl(&controllers);
    scene.api.kubectl(&["-n", NAMESPACE, "delete", "pod", "before", "--force", "--grace-period=0"]);
}
