//! What a definition says, or does not: its configuration, and the node's disk.

use integration::with;
use serde_json::{Value, json};
use testkit::k8s::busybox_pod;

use super::scene::{NETWORKS, NO_NETWORK, Scene, bridge, definition, list, mark};

#[test]
fn npwg_05_06_a_definition_and_its_configuration_may_have_different_names() {
    let called = |name: &str| with(&mark("two"), &json!({ "name": name }));
    let nameless = json!({"plugins": [{"type": "two"}, {"type": "three"}]});
    let scene = Scene::new(
        "names",
        &[
            ("nameless", mark("two")),
            ("empty", called("")),
            ("other", called("its-own")),
            ("chain", nameless),
        ],
    );
    let pod = scene.pod("pod", "nameless,empty,other,chain");
    let conf = scene.conf(&json!({}));
    let output = pod.add(&conf);
    output.expect_ok();
    let name = |call: &str| scene.marker.stdin(call)["name"].clone();
    assert_eq!(name("two ADD net1"), "nameless");
    assert_eq!(name("two ADD net2"), "empty");
    assert_eq!(name("two ADD net3"), "its-own");
    assert_eq!((name("two ADD net4"), name("three ADD net4")), (json!("chain"), json!("chain")));
    // The version of the configuration, too, where it says none.
    assert_eq!(scene.marker.stdin("three ADD net4")["cniVersion"], "1.1.0");
    assert!(output.stderr.contains("names/other") && output.stderr.contains("its-own"), "{output}");
    assert_eq!(scene.status("pod")[3]["name"], "names/other");
    pod.del(&conf).expect_ok();
    scene.assert_clean(&[&pod]);
}

#[test]
fn npwg_04_without_a_configuration_it_is_the_list_or_the_file_of_that_name() {
    let scene = Scene::new("disk", &[]);
    let spec =
        |name: &str, spec: Value| with(&definition("disk", name, ""), &json!({ "spec": spec }));
    scene.api.apply(&list([
        spec("both", json!({})),
        // This API server takes an empty text for null.
        spec("single", json!({})),
        spec("blank", json!({"config": " \n"})),
        spec("nowhere", json!({})),
    ]));
    let dir = scene.conf_dir(
        "net.d",
        &[
            ("10-both.conf", r#"{"cniVersion":"1.1.0","name":"both","type":"two"}"#),
            (
                "90-both.conflist",
                r#"{"cniVersion":"1.1.0","name":"both","plugins":[{"type":"three"}]}"#,
            ),
            ("11-broken.conf", "{"),
            ("12-single.json", r#"{"cniVersion":"1.1.0","name":"single","type":"two"}"#),
            ("13-blank.conf", r#"{"cniVersion":"1.1.0","name":"blank","type":"two"}"#),
            ("14-nowhere.bak", r#"{"cniVersion":"1.1.0","name":"nowhere","type":"two"}"#),
        ],
    );
    let conf = scene.conf(&json!({ "confDir": dir }));
    let pod = scene.pod("pod", "both,single,blank");
    pod.add(&conf).expect_ok();
    assert_eq!(
        scene.marker.calls(),
        ["one ADD eth0", "three ADD net1", "two ADD net2", "two ADD net3"]
    );
    pod.del(&conf).expect_ok();
    let nowhere = scene.pod("nowhere", "nowhere");
    let (msg, details) = nowhere.add(&conf).expect_error(NO_NETWORK);
    assert!(msg.contains("\"nowhere\"") && msg.contains("net.d"), "{msg}");
    assert!(details.contains("both") && details.contains("single"), "{details}");
    scene.assert_clean(&[&pod, &nowhere]);
}

#[test]
fn npwg_04_26_a_missing_definition_leaves_nothing_behind() {
    let scene = Scene::new("missing", &[("there", bridge("fpmissing1", 141))]);
    let default = with(&bridge("fpmissing0", 140), &json!({"name": "missing-default"}));
    let conf = scene.conf(&json!({ "delegates": [default] }));
    for (pod, networks, named) in [
        ("local", "there,absent", "missing/absent"),
        ("elsewhere", "there,no-such-namespace/absent", "no-such-namespace/absent"),
    ] {
        let pod = scene.pod(pod, networks);
        let (msg, details) = pod.add(&conf).expect_error(NO_NETWORK);
        assert!(msg.contains(named) && msg.contains("does not exist"), "{msg}");
        assert!(details.contains("annotation"), "{details}");
        scene.assert_clean(&[&pod]);
        assert_eq!(scene.status_text(&pod.name), Value::Null);
        // A runtime calls DEL after a failed ADD.
        pod.del(&conf).expect_ok();
    }
}

#[test]
fn a_definition_that_cannot_be_used_leaves_nothing_behind() {
    let scene = Scene::new("unusable", &[("good", mark("two"))]);
    let bad = [
        ("text", "no JSON", 6, "spec.config"),
        ("array", "[]", 6, "spec.config"),
        ("nothing", "{}", 7, "type"),
        ("no-type", r#"{"cniVersion":"1.0.0","name":"x"}"#, 7, "type"),
        ("path-type", r#"{"cniVersion":"1.0.0","name":"x","type":"../two"}"#, 7, "type"),
        (
            "no-plugin",
            r#"{"cniVersion":"1.0.0","name":"x","type":"not-installed"}"#,
            7,
            "not-installed",
        ),
        ("bad-name", r#"{"cniVersion":"1.0.0","name":"a/../b","type":"two"}"#, 7, "name"),
        ("future", r#"{"cniVersion":"9.9.9","name":"x","type":"two"}"#, 1, "9.9.9"),
        ("meta", r#"{"cniVersion":"1.0.0","name":"x","type":"multus"}"#, 7, "meta-plugin"),
        (
            "ourselves",
            r#"{"name":"x","plugins":[{"type":"two"},{"type":"multus-lite"}]}"#,
            7,
            "meta-plugin",
        ),
        ("no-plugins", r#"{"cniVersion":"1.0.0","name":"x","plugins":[]}"#, 7, "plugins"),
    ];
    scene.api.apply(&list(bad.iter().map(|(n, c, ..)| definition("unusable", n, c))));
    let objects: Vec<_> = bad
        .iter()
        .map(|(name, ..)| busybox_pod(scene.name, name, &json!({NETWORKS: format!("good,{name}")})))
        .collect();
    let conf = scene.conf(&json!({}));
    for (pod, (name, _, code, part)) in scene.create_all(&objects).iter().zip(bad) {
        let (msg, details) = pod.add(&conf).expect_error(code);
        assert!(format!("{msg} {details}").contains(part), "{name}: {msg}: {details}");
        let full = format!("unusable/{name}");
        assert!(format!("{msg} {details}").contains(&full), "{name}: {msg}: {details}");
        let calls = scene.marker.calls();
        assert!(!calls.iter().any(|call| call.starts_with("two ADD")), "{name}: {calls:?}");
        assert_eq!(scene.left(), [""; 0], "{name}");
    }
}
