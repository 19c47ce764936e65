//! What fails after something was attached: all of it is taken back, and the reason is said.

use std::time::Duration;

use integration::with;
use serde_json::{Value, json};

use super::scene::{NO_NETWORK, SOON, Scene, bridge, list, mark};

#[test]
fn npwg_26_the_third_network_fails_and_all_are_detached() {
    let chain = json!({"cniVersion": "1.1.0", "plugins": [{"type": "two"}, {"type": "three"}]});
    let scene = Scene::new(
        "third",
        &[("real", bridge("fpthird1", 171)), ("mark", mark("two")), ("chain", chain)],
    );
    let default = with(&bridge("fpthird0", 170), &json!({"name": "third-default"}));
    let conf = scene.conf(&json!({ "delegates": [default] }));
    let pod = scene.pod("pod", "real,mark,chain,mark");
    let fails = scene.marker.failing("three ADD");
    let (msg, details) = pod.add(&conf).expect_error(123);
    for part in ["three was told to fail", "by a file", "\"three\"", "third/chain", "net3"] {
        assert!(format!("{msg}: {details}").contains(part), "{part}: {msg}: {details}");
    }
    let calls = scene.marker.calls();
    assert_eq!(calls[..3], ["two ADD net2", "two ADD net3", "three ADD net3"]);
    assert!(!calls.iter().any(|call| call.ends_with("ADD net4")), "{calls:?}");
    let last = calls.iter().rposition(|call| call == "two DEL net3").unwrap();
    assert_eq!(calls[last + 1..], ["two DEL net2"], "backwards");
    scene.assert_clean(&[&pod]);
    assert_eq!(scene.status_text("pod"), Value::Null);
    drop(fails);
    pod.add(&conf).expect_ok();
    assert_eq!(scene.status("pod").as_array().unwrap().len(), 5);
    pod.del(&conf).expect_ok();
    scene.assert_clean(&[&pod]);
}

#[test]
fn npwg_26_what_cannot_be_detached_is_said_and_kept() {
    let scene = Scene::new("stuck", &[("a", mark("two")), ("b", mark("three"))]);
    let conf = scene.conf(&json!({}));
    let pod = scene.pod("pod", "a,b");
    let (fails, stuck) = (scene.marker.failing("three ADD"), scene.marker.failing("two DEL"));
    let (_, details) = pod.add(&conf).expect_error(123);
    assert!(details.contains("not undone") && details.contains("stuck/a"), "{details}");
    assert_eq!(scene.left(), ["a:stuck-pod:net1", "@stuck-pod:eth0.json"]);
    drop(fails);
    // Half of a pod is not attached once more.
    let (msg, _) = pod.add(&conf).expect_error(7);
    assert!(msg.contains("DEL it first"), "{msg}");
    drop(stuck);
    pod.del(&conf).expect_ok();
    scene.assert_clean(&[&pod]);
}

#[test]
fn npwg_23_a_default_network_that_fails_is_all_that_was_tried() {
    let scene = Scene::new("first", &[("a", mark("two"))]);
    let conf = scene.conf(&json!({}));
    let pod = scene.pod("pod", "a");
    let fails = scene.marker.failing("one ADD");
    let (_, details) = pod.add(&conf).expect_error(123);
    assert!(details.contains("first-default"), "{details}");
    assert!(!scene.marker.calls().iter().any(|call| call.starts_with("two")));
    scene.assert_clean(&[&pod]);
    drop(fails);
    // Of two that are wrong the default network's is said: it comes first.
    let both = scene.pod("both", "absent");
    let fails = scene.marker.failing("one ADD");
    let _ = both.add(&conf).expect_error(123);
    drop(fails);
    scene.assert_clean(&[&both]);
}

#[test]
fn a_status_that_may_not_be_written_detaches_everything() {
    let scene = Scene::new("denied", &[("a", mark("two")), ("b", bridge("fpdenied0", 172))]);
    let account = "system:serviceaccount:denied:half";
    let half = json!({"name": "half", "namespace": "denied"});
    let rbac = "rbac.authorization.k8s.io";
    let meta =
        |kind: &str| json!({"apiVersion": format!("{rbac}/v1"), "kind": kind, "metadata": half});
    scene.api.apply(&list([
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": half}),
        with(
            &meta("Role"),
            &json!({"rules": [
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "patch"]},
            {"apiGroups": ["k8s.cni.cncf.io"], "verbs": ["get"],
             "resources": ["network-attachment-definitions"]}]}),
        ),
        with(
            &meta("RoleBinding"),
            &json!({
            "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "half"},
            "subjects": [{"kind": "ServiceAccount", "name": "half", "namespace": "denied"}]}),
        ),
    ]));
    let token = scene.api.service_account_token("denied", "half", Duration::from_hours(1));
    let kubeconfig = scene.api.kubeconfig_for(&scene.api.token_file("denied-half", &token.token));
    let user = format!("--kubeconfig={}", kubeconfig.display());
    testkit::wait::eventually(SOON, "the role", || {
        scene
            .api
            .try_kubectl(&["auth", "can-i", "get", "net-attach-def", "-n", "denied", &user])
            .is_ok()
    });
    let conf = scene.conf(&json!({ "kubeconfig": kubeconfig }));
    let pod = scene.pod("pod", "a,b");
    let (msg, details) = pod.add(&conf).expect_error(NO_NETWORK);
    assert!(msg.contains("annotate pod denied/pod is not permitted"), "{msg}");
    for part in ["403", "pods/status", account, "multus-lite-rbac.yaml"] {
        assert!(details.contains(part), "{part}: {details}");
    }
    assert!(!details.contains(&token.token), "{details}");
    scene.assert_clean(&[&pod]);
    let calls = scene.marker.calls();
    assert_eq!(calls[..2], ["one ADD eth0", "two ADD net1"]);
    assert_eq!(calls[2..], ["two DEL net1", "one DEL eth0"]);
}

#[test]
fn a_pod_that_is_none_is_refused_before_anything_is_done() {
    let scene = Scene::new("nopod", &[]);
    let conf = scene.conf(&json!({}));
    let pod = scene.sandbox("../../secrets/x", "u".into());
    let (msg, details) = pod.add(&conf).expect_error(11);
    assert!(format!("{msg}: {details}").contains("no object has such a name"), "{msg}: {details}");
    // Without a pod's name only the configuration counts, as for a container of another runtime.
    let pod = scene.sandbox("", String::new());
    pod.add(&conf).expect_ok();
    assert_eq!(scene.marker.calls(), ["one ADD eth0"]);
    pod.del(&conf).expect_ok();
    scene.assert_clean(&[&pod]);
}

#[test]
fn access_that_cannot_be_used_is_a_mistake_of_the_configuration() {
    let scene = Scene::new("access", &[]);
    let pod = scene.pod("pod", "");
    let text = |name: &str, text: &str| scene.conf_dir("access.d", &[(name, text)]).join(name);
    for (kubeconfig, part) in [
        (scene.marker.dir().join("absent"), "absent"),
        (text("empty", ""), "empty"),
        (text("rubbish", "{]"), "rubbish"),
        (text("nobody", "apiVersion: v1\nkind: Config\n"), "nobody"),
    ] {
        let conf = scene.conf(&json!({ "kubeconfig": kubeconfig }));
        let (msg, details) = pod.add(&conf).expect_error(7);
        assert!(format!("{msg}: {details}").contains(part), "{part}: {msg}: {details}");
        assert!(details.contains("kubeconfig"), "{details}");
        // It is needed for ADD alone.
        pod.del(&conf).expect_ok();
    }
    assert_eq!(scene.marker.calls().iter().filter(|call| call.contains("ADD")).count(), 0);
    scene.assert_clean(&[&pod]);
}
