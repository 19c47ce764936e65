//! The default network, the networks of every pod, and what the runtime wants of the first.

use std::fs;

use integration::with;
use serde_json::{Value, json};
use testkit::k8s::busybox_pod;

use super::scene::{DEFAULT, NETWORKS, NO_NETWORK, Scene, definition, list, mark};

/// The names of a pod's networks, as published; the default one with a star.
fn published(scene: &Scene, pod: &str) -> Vec<String> {
    let name = |entry: &Value| {
        let star = if entry["default"] == true { "*" } else { "" };
        format!("{}{star}", entry["name"].as_str().unwrap())
    };
    scene.status(pod).as_array().unwrap().iter().map(name).collect()
}

#[test]
fn a_pod_may_have_another_default_network() {
    let scene = Scene::new("override", &[("further", mark("two")), ("instead", mark("three"))]);
    let pods: Vec<_> = [
        ("bare", "instead".to_owned()),
        ("full", "override/instead".into()),
        ("named", "instead@lan".into()),
        ("json", r#"[{"name":"instead"}]"#.into()),
    ]
    .iter()
    .map(|(name, text)| busybox_pod("override", name, &json!({DEFAULT: text, NETWORKS: "further"})))
    .collect();
    let conf = scene.conf(&json!({"multusNamespace": "override"}));
    for pod in scene.create_all(&pods) {
        pod.add(&conf).expect_ok();
        // Always the interface that the runtime wants.
        assert_eq!(scene.marker.calls(), ["three ADD eth0", "two ADD net1"], "{}", pod.name);
        assert_eq!(published(&scene, &pod.name), ["override/instead*", "override/further"]);
        pod.del(&conf).expect_ok();
        assert_eq!(scene.marker.calls(), ["two DEL net1", "three DEL eth0"]);
    }
    // A bare name is one of multusNamespace, not of the pod's own.
    let bare = scene.annotated("elsewhere", &json!({DEFAULT: "instead"}));
    let (msg, _) = bare.add(&scene.conf(&json!({}))).expect_error(NO_NETWORK);
    assert!(msg.contains("kube-system/instead"), "{msg}");
    scene.assert_clean(&[&bare]);
}

#[test]
fn an_isolated_pod_may_have_the_default_networks_that_the_operator_keeps() {
    let scene = Scene::new("kept", &[("own", mark("two"))]);
    let namespace =
        |name: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    scene.api.apply(&list([
        namespace("kept-multus"),
        namespace("kept-other"),
        definition("kept-multus", "special", &mark("three").to_string()),
        definition("kept-other", "special", &mark("three").to_string()),
    ]));
    let keys = json!({"multusNamespace": "kept-multus", "namespaceIsolation": true});
    let conf = scene.conf(&keys);
    let allowed = scene.annotated("allowed", &json!({DEFAULT: "special", NETWORKS: "own"}));
    allowed.add(&conf).expect_ok();
    assert_eq!(scene.marker.calls(), ["three ADD eth0", "two ADD net1"]);
    allowed.del(&conf).expect_ok();
    for (name, key, network) in [
        ("other", DEFAULT, "kept-other/special"),
        // As a further network it is nothing but a foreign one.
        ("further", NETWORKS, "kept-multus/special"),
    ] {
        let pod = scene.annotated(name, &json!({ key: network }));
        let (msg, _) = pod.add(&conf).expect_error(NO_NETWORK);
        assert!(msg.contains(network), "{msg}");
        scene.assert_clean(&[&pod]);
    }
}

#[test]
fn an_annotation_that_names_no_default_network_or_several_is_refused() {
    let scene = Scene::new("several", &[("a", mark("two"))]);
    let pods: Vec<_> = [("two", "a,a"), ("none", ""), ("bad", "A B"), ("list", "[]")]
        .iter()
        .map(|(name, text)| busybox_pod("several", name, &json!({ DEFAULT: text })))
        .collect();
    let conf = scene.conf(&json!({"multusNamespace": "several"}));
    for pod in scene.create_all(&pods) {
        let (msg, details) = pod.add(&conf).expect_error(7);
        let said = format!("{msg}: {details}");
        assert!(said.contains("default") && said.contains(DEFAULT), "{}: {said}", pod.name);
        assert_eq!(scene.marker.calls(), [""; 0]);
    }
    assert_eq!(scene.left(), [""; 0]);
}

#[test]
fn npwg_21_23_the_cluster_network_is_a_definition_or_a_file() {
    let scene = Scene::new("cluster", &[("defined", mark("two")), ("both", mark("two"))]);
    let file = |name: &str, plugin: &str| with(&mark(plugin), &json!({"name": name})).to_string();
    let dir = scene.conf_dir(
        "net.d",
        &[("10-filed.conf", &file("filed", "three")), ("20-both.conf", &file("both", "three"))],
    );
    // Ourselves first, as in a runtime's own directory, then the real one.
    let runtime = scene.conf_dir(
        "runtime.d",
        &[
            ("00-multus.conf", &file("x", "multus-lite")),
            ("10-real.conf", &file("real", "three")),
            ("20-not.conf", &file("not", "two")),
        ],
    );
    let pod = scene.pod("pod", "defined@lan");
    for (cluster_network, call, name) in [
        ("defined".to_owned(), "two ADD eth0", "cluster/defined*"),
        ("filed".into(), "three ADD eth0", "filed*"),
        ("both".into(), "two ADD eth0", "cluster/both*"),
        (runtime.display().to_string(), "three ADD eth0", "real*"),
        (dir.join("20-both.conf").display().to_string(), "three ADD eth0", "both*"),
    ] {
        let keys = json!({"clusterNetwork": cluster_network, "confDir": dir, "multusNamespace": "cluster"});
        let conf = scene.conf(&keys);
        let output = pod.add(&conf);
        output.expect_ok();
        // The delegates are another way to say it.
        assert!(output.stderr.contains("delegates are ignored"), "{output}");
        assert_eq!(scene.marker.calls(), [call, "two ADD lan"], "{cluster_network}");
        assert_eq!(published(&scene, "pod"), [name, "cluster/defined"]);
        pod.check(&conf).expect_ok();
        pod.del(&conf).expect_ok();
        drop(scene.marker.calls());
        scene.assert_clean(&[&pod]);
    }
    let empty = scene.conf_dir("empty.d", &[]);
    let gone = dir.join("no-such-file.conf");
    for (cluster_network, code) in [
        ("nowhere".to_owned(), NO_NETWORK),
        (empty.display().to_string(), NO_NETWORK),
        (gone.display().to_string(), 5),
    ] {
        let keys = json!({"clusterNetwork": cluster_network, "confDir": dir, "multusNamespace": "cluster"});
        let (msg, details) = pod.add(&scene.conf(&keys)).expect_error(code);
        assert!(
            format!("{msg}: {details}").contains(&cluster_network) || msg.contains("any network"),
            "{msg}: {details}"
        );
        scene.assert_clean(&[&pod]);
    }
    fs::write(
        empty.join("99-late.conflist"),
        json!({"cniVersion": "1.0.0", "name": "late", "plugins": [{"type": "one"}]}).to_string(),
    )
    .unwrap();
    let conf = scene.conf(&json!({ "clusterNetwork": empty }));
    pod.add(&conf).expect_ok();
    assert_eq!(published(&scene, "pod"), ["late*", "cluster/defined"]);
    pod.del(&conf).expect_ok();
}

#[test]
fn the_networks_of_every_pod_are_not_for_the_systems() {
    let scene = Scene::new("every", &[("all", mark("two")), ("asked", mark("three"))]);
    let dir = scene
        .conf_dir("net.d", &[("a.conf", r#"{"cniVersion":"1.1.0","name":"disk","type":"three"}"#)]);
    let keys =
        json!({"multusNamespace": "every", "defaultNetworks": ["all", "disk"], "confDir": dir});
    let conf = scene.conf(&keys);
    let pod = scene.pod("pod", "asked");
    pod.add(&conf).expect_ok();
    assert_eq!(
        scene.marker.calls(),
        ["one ADD eth0", "two ADD net1", "three ADD net2", "three ADD net3"]
    );
    assert_eq!(published(&scene, "pod"), ["every-default*", "every/all", "disk", "every/asked"]);
    pod.del(&conf).expect_ok();
    drop(scene.marker.calls());
    let conf = with(&conf, &json!({"systemNamespaces": ["other", "every"]}));
    pod.add(&conf).expect_ok();
    assert_eq!(scene.marker.calls(), ["one ADD eth0", "three ADD net1"]);
    pod.del(&conf).expect_ok();
    let conf = with(&conf, &json!({"systemNamespaces": [], "defaultNetworks": ["nowhere"]}));
    let (msg, _) = pod.add(&conf).expect_error(NO_NETWORK);
    assert!(msg.contains("nowhere"), "{msg}");
    scene.assert_clean(&[&pod]);
}

#[test]
fn npwg_29_what_the_runtime_sets_is_for_the_default_network() {
    let capable = |plugin: &str| {
        with(
            &mark(plugin),
            &json!({"capabilities": {"portMappings": true, "ips": true, "aliases": true}}),
        )
    };
    let scene = Scene::new("runtime", &[("further", capable("two"))]);
    let ports = json!([{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}]);
    let own = json!([{"hostPort": 9090, "containerPort": 90}]);
    let conf = scene.conf(&json!({
        "capabilities": {"portMappings": true, "bandwidth": true},
        "runtimeConfig": {"portMappings": ports, "bandwidth": {"ingressRate": 1000}},
        "delegates": [with(&capable("one"), &json!({"name": "runtime-default"}))],
    }));
    let pod = scene.pod("none", "further").with_args("IP=10.1.2.3;K8S_POD_EXTRA=e;CUSTOM=1");
    pod.add(&conf).expect_ok();
    let config = |call: &str| scene.marker.stdin(call)["runtimeConfig"].clone();
    assert_eq!(config("one ADD eth0"), json!({ "portMappings": ports }));
    assert_eq!(config("two ADD net1"), Value::Null);
    // The arguments as well; who the pod is, is for all.
    assert!(scene.marker.args("one ADD eth0").contains("IP=10.1.2.3"));
    let args = scene.marker.args("two ADD net1");
    assert!(!args.contains("10.1.2.3") && !args.contains("CUSTOM"), "{args}");
    for part in ["K8S_POD_NAMESPACE=runtime", "K8S_POD_NAME=none", "IgnoreUnknown=1", &pod.uid] {
        assert!(args.contains(part), "{part}: {args}");
    }
    pod.del(&conf).expect_ok();
    assert_eq!(config("one DEL eth0"), json!({ "portMappings": ports }));
    assert_eq!(config("two DEL net1"), Value::Null);

    let asks = json!([{"name": "further", "portMappings": own}]);
    let pod = scene.pod("own", &asks.to_string());
    pod.add(&conf).expect_ok();
    assert_eq!(config("one ADD eth0"), json!({ "portMappings": ports }));
    let given = config("two ADD net1")["portMappings"].clone();
    assert_eq!((&given[0]["hostPort"], given.as_array().unwrap().len()), (&json!(9090), 1));
    pod.del(&conf).expect_ok();
    scene.assert_clean(&[&pod]);
}
