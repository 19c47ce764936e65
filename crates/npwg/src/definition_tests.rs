use serde_json::{Value, json};

use super::NetworkAttachmentDefinition;

fn object() -> Value {
    json!({
        "apiVersion": "k8s.cni.cncf.io/v1",
        "kind": "NetworkAttachmentDefinition",
        "metadata": {
            "namespace": "prod",
            "name": "fast",
            "annotations": {"k8s.v1.cni.cncf.io/resourceName": "fastpath.dev/vf"},
        },
        "spec": {"config": "{\"type\": \"sriov\"}"},
    })
}

#[test]
fn what_matters_of_the_object_is_read() {
    let expected = NetworkAttachmentDefinition {
        namespace: "prod".to_owned(),
        name: "fast".to_owned(),
        resource_name: Some("fastpath.dev/vf".to_owned()),
        config: "{\"type\": \"sriov\"}".to_owned(),
    };
    assert_eq!(NetworkAttachmentDefinition::from_json(&object()).unwrap(), expected);
}

#[test]
fn without_a_configuration_or_annotations_they_are_empty() {
    for spec in [json!(null), json!({}), json!({"config": null}), json!({"config": ""})] {
        let mut object = object();
        object["spec"] = spec;
        object["metadata"]["annotations"] = Value::Null;
        let network = NetworkAttachmentDefinition::from_json(&object).unwrap();
        assert_eq!((network.config.as_str(), network.resource_name), ("", None));
    }
}

#[test]
fn npwg_03_names_are_those_of_kubernetes_objects() {
    for (key, valid) in [("name", "a.b-c.0"), ("name", "0"), ("namespace", "kube-system")] {
        let mut object = object();
        object["metadata"][key] = json!(valid);
        assert!(NetworkAttachmentDefinition::from_json(&object).is_ok(), "{valid}");
    }
    let invalid = ["", "..", "a/b", "../a", "A", "-a", "a-", "a..b", "a_b", "a\n", "ä"];
    for (key, text) in invalid.iter().flat_map(|text| [("name", text), ("namespace", text)]) {
        let mut object = object();
        object["metadata"][key] = json!(text);
        let error = NetworkAttachmentDefinition::from_json(&object).unwrap_err().to_string();
        assert!(error.contains(&format!("metadata.{key}")), "{error}");
    }
}

#[test]
fn what_is_no_name_at_all_is_refused() {
    for name in [json!(null), json!(1), json!(["a"]), json!("a".repeat(254))] {
        let mut object = object();
        object["metadata"]["name"] = name;
        assert!(NetworkAttachmentDefinition::from_json(&object).is_err());
    }
    assert!(NetworkAttachmentDefinition::from_json(&json!("fast")).is_err());
}

#[test]
fn a_configuration_that_is_no_text_is_refused() {
    let mut object = object();
    object["spec"]["config"] = json!({"type": "sriov"});
    let error = NetworkAttachmentDefinition::from_json(&object).unwrap_err().to_string();
    assert_eq!(
        error,
        r#"NetworkAttachmentDefinition "fast": invalid spec.config {"type":"sriov"}: it must be a text"#
    );
}

#[test]
fn a_resource_that_cannot_be_one_is_refused() {
    for text in ["../../etc", "a/b/c", "/vf", "fastpath.dev/", "fast path/vf", "a/.."] {
        let mut object = object();
        object["metadata"]["annotations"]["k8s.v1.cni.cncf.io/resourceName"] = json!(text);
        let error = NetworkAttachmentDefinition::from_json(&object).unwrap_err().to_string();
        assert!(error.contains("resourceName") && error.contains(text), "{error}");
    }
}
