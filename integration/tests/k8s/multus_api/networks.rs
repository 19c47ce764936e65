//! Which networks a pod gets: its annotation, where they are defined, who may use them.

use integration::with;
use serde_json::{Value, json};
use testkit::k8s::busybox_pod;

use super::scene::{
    NETWORKS, NO_NETWORK, Pod, Scene, bridge, definition, host_local, list, mark, parent,
};

/// The names of a pod's networks and interfaces, as published.
fn attached(scene: &Scene, pod: &Pod) -> Vec<String> {
    let status = scene.status(&pod.name);
    let name = |entry: &Value| format!("{} {}", entry["name"], entry["interface"]).replace('"', "");
    status.as_array().unwrap().iter().map(name).collect()
}

#[test]
fn npwg_07_18_both_forms_with_other_namespaces_and_names_of_interfaces() {
    let scene = Scene::new("forms", &[("a", mark("two"))]);
    let other = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "forms-2"}});
    let there = definition("forms-2", "b", &mark("three").to_string());
    scene.api.apply(&list([other, there]));
    let json = json!([
        {"name": "a"},
        {"name": "b", "namespace": "forms-2", "interface": "lan"},
        {"name": "a", "interfaceRequest": "third", "example.org/remark": {"of": "somebody else"}},
    ]);
    for (pod, text, third) in [
        ("comma", " a,forms-2/b@lan , forms/a".to_owned(), "net3"),
        ("json", json.to_string(), "third"),
    ] {
        let conf = scene.conf(&json!({}));
        let pod = scene.pod(pod, &text);
        let result = pod.add(&conf).expect_ok();
        // The runtime sees the default network only.
        assert_eq!(result["interfaces"], json!([{"name": "eth0", "sandbox": pod.netns.path()}]));
        let last = format!("two ADD {third}");
        assert_eq!(
            scene.marker.calls(),
            ["one ADD eth0", "two ADD net1", "three ADD lan", &last],
            "in this order, the same network twice"
        );
        let expected = [
            "forms-default eth0".into(),
            "forms/a net1".into(),
            "forms-2/b lan".into(),
            format!("forms/a {third}"),
        ];
        assert_eq!(attached(&scene, &pod), expected);
        pod.check(&conf).expect_ok();
        assert_eq!(scene.marker.calls().len(), 4);
        pod.del(&conf).expect_ok();
        let last = format!("two DEL {third}");
        assert_eq!(
            scene.marker.calls(),
            [&last, "three DEL lan", "two DEL net1", "one DEL eth0"],
            "backwards"
        );
        scene.assert_clean(&[&pod]);
    }
}

#[test]
fn no_annotation_or_a_blank_one_is_the_default_network_only() {
    let scene = Scene::new("blank", &[]);
    let annotations =
        [json!({}), json!({NETWORKS: ""}), json!({NETWORKS: " \n "}), json!({NETWORKS: "[]"})];
    let objects: Vec<_> = annotations
        .iter()
        .zip(["none", "empty", "blank", "list"])
        .map(|(annotations, name)| busybox_pod(scene.name, name, annotations))
        .collect();
    let conf = scene.conf(&json!({}));
    for pod in scene.create_all(&objects) {
        pod.add(&conf).expect_ok();
        assert_eq!(scene.marker.calls(), ["one ADD eth0"], "{}", pod.name);
        assert_eq!(attached(&scene, &pod), ["blank-default eth0"]);
        pod.del(&conf).expect_ok();
        assert_eq!(scene.marker.calls(), ["one DEL eth0"]);
    }
    scene.assert_clean(&[]);
}

#[test]
fn an_annotation_that_cannot_be_read_attaches_nothing() {
    let scene = Scene::new("unreadable", &[("a", mark("two"))]);
    let bad = [
        ("words", "a b", "name"),
        ("capitals", "a,B", "name"),
        ("nothing-between", "a,,a", "name"),
        ("path", "../../../etc/passwd", "namespace"),
        ("three-parts", "x/y/a", "name"),
        ("long-name", "a@an-interface-too-long", "interface"),
        ("slash-name", r#"[{"name":"a","interface":"a/b"}]"#, "interface"),
        ("cut-off", r#"[{"name":"a""#, "JSON"),
        ("object", r#"{"name":"a"}"#, "list"),
        ("no-name", "[{}]", "name"),
        ("number", r#"[{"name":"a"},7]"#, "[1]"),
        ("mac", r#"[{"name":"a","mac":"02:00:00:00:00"}]"#, "mac"),
        ("no-ips", r#"[{"name":"a","ips":[]}]"#, "ips"),
        ("ips", r#"[{"name":"a","ips":["10.0.0.300"]}]"#, "10.0.0.300"),
        ("ips-text", r#"[{"name":"a","ips":"10.0.0.3"}]"#, "ips"),
        ("burst", r#"[{"name":"a","bandwidth":{"ingressBurst":1000}}]"#, "bandwidth"),
        ("rate", r#"[{"name":"a","bandwidth":{"ingressRate":0}}]"#, "bandwidth"),
        (
            "port",
            r#"[{"name":"a","portMappings":[{"hostPort":65536,"containerPort":1}]}]"#,
            "portMappings",
        ),
        ("guid", r#"[{"name":"a","infiniband-guid":"c2:11:22"}]"#, "infiniband-guid"),
        ("device", r#"[{"name":"a","deviceID":"../../etc"}]"#, "deviceID"),
        (
            "claim",
            r#"[{"name":"a","ips":["10.0.0.3"],"ipam-claim-reference":"c"}]"#,
            "ipam-claim-reference",
        ),
        (
            "routes",
            r#"[{"name":"a","default-route":["10.0.0.1"]},{"name":"a","default-route":[]}]"#,
            "default-route",
        ),
        ("gateway", r#"[{"name":"a","default-route":["10.0.0.1/24"]}]"#, "default-route"),
        ("same-name", "a@lan,a@lan", "lan"),
    ];
    let objects: Vec<_> = bad
        .iter()
        .map(|(name, text, _)| busybox_pod(scene.name, name, &json!({NETWORKS: text})))
        .collect();
    let conf = scene.conf(&json!({}));
    for (pod, (name, text, part)) in scene.create_all(&objects).into_iter().zip(bad) {
        let (msg, details) = pod.add(&conf).expect_error(7);
        assert!(msg.contains(NETWORKS), "{name}: {msg}");
        assert!(details.contains(part), "{name}: {text}: {details}");
        assert_eq!(scene.marker.calls(), [""; 0], "{name}");
        assert_eq!(scene.left(), [""; 0], "{name}");
    }
}

#[test]
fn npwg_28_isolated_pods_use_their_own_namespace_and_the_global_ones() {
    let scene = Scene::new("isolated", &[("own", mark("two"))]);
    let namespace =
        |name: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    let config = mark("three").to_string();
    scene.api.apply(&list([
        namespace("isolated-2"),
        definition("isolated-2", "foreign", &config),
        definition("default", "isolated-global", &config),
    ]));
    let [own, global, foreign] = ["own", "default/isolated-global", "isolated-2/foreign"];
    let pods: Vec<_> = [("own", own), ("global", global), ("foreign", foreign)]
        .map(|(name, networks)| busybox_pod(scene.name, name, &json!({NETWORKS: networks})))
        .to_vec();
    let pods = scene.create_all(&pods);
    for (isolation, global_namespaces, allowed) in [
        (json!(false), json!(null), [true, true, true]),
        (json!(true), json!(null), [true, true, false]),
        (json!("true"), json!("isolated-2"), [true, false, true]),
        (json!(true), json!(" isolated-2 , default"), [true, true, true]),
        (json!(true), json!(""), [true, false, false]),
    ] {
        let keys = json!({"namespaceIsolation": isolation, "globalNamespaces": global_namespaces});
        let conf = scene.conf(&keys);
        for (pod, allowed) in pods.iter().zip(allowed) {
            if allowed {
                pod.add(&conf).expect_ok();
                pod.del(&conf).expect_ok();
            } else {
                let (msg, details) = pod.add(&conf).expect_error(NO_NETWORK);
                assert!(msg.contains(&format!("isolated/{}", pod.name)), "{keys}: {msg}");
                assert!(details.contains("namespaceIsolation"), "{keys}: {details}");
            }
            scene.assert_clean(&[pod]);
        }
    }
}

#[test]
fn npwg_11_an_interface_that_exists_is_refused() {
    let scene = Scene::new("taken", &[("a", mark("two")), ("b", bridge("fptaken0", 142))]);
    let conf = scene.conf(&json!({}));
    let by_name = scene.pod("by-name", "a@lan,b");
    by_name.netns.ip(&["link", "add", "lan", "type", "bridge"]);
    let (msg, details) = by_name.add(&conf).expect_error(7);
    assert!(msg.contains("lan") && msg.contains("taken/a"), "{msg}");
    assert!(details.contains("another name"), "{details}");
    assert_eq!(by_name.interfaces(), ["lan"]);
    // By its place, too: DEL after a failed ADD would take it away.
    let by_place = scene.pod("by-place", "a,b");
    by_place.netns.ip(&["link", "add", "net2", "type", "bridge"]);
    let (msg, _) = by_place.add(&conf).expect_error(7);
    assert!(msg.contains("net2") && msg.contains("taken/b"), "{msg}");
    assert_eq!(by_place.interfaces(), ["net2"]);
    // Chosen for one, and another one's by its place.
    let twice = scene.pod("twice", "a@net2,a");
    let (msg, _) = twice.add(&conf).expect_error(7);
    assert!(msg.contains("net2"), "{msg}");
    let default = scene.pod("default", "a@eth0");
    let (msg, _) = default.add(&conf).expect_error(7);
    assert!(msg.contains("eth0") && msg.contains("taken-default"), "{msg}");
    scene.assert_clean(&[&twice, &default]);
}

#[test]
fn three_networks_of_debians_plugins() {
    let macvlan = json!({"cniVersion": "1.0.0", "type": "macvlan", "master": "fpreal-m",
                         "name": "real-macvlan", "ipam": host_local(145)});
    let named = with(&bridge("fpreal1", 144), &json!({"name": "real-bridge"}));
    let scene = Scene::new("real", &[("bridge", named), ("macvlan", macvlan)]);
    parent("fpreal-m");
    let default = with(&bridge("fpreal0", 143), &json!({"name": "real-default"}));
    let conf = scene.conf(&json!({ "cniVersion": "1.0.0", "delegates": [default] }));
    let pod = scene.pod("pod", "bridge,macvlan@lan");
    let result = pod.add(&conf).expect_ok();
    assert_eq!(result["ips"][0]["address"], pod.addresses("eth0")[0]);
    assert_eq!(pod.addresses("net1"), ["10.144.0.2/24"]);
    assert_eq!(pod.addresses("lan"), ["10.145.0.2/24"]);
    let status = scene.status("pod");
    for (index, interface) in ["eth0", "net1", "lan"].into_iter().enumerate() {
        let link = testkit::witness::ip_json(Some(pod.netns.name()), &["link", "show", interface]);
        assert_eq!(status[index]["mac"], link[0]["address"], "{status:#}");
        assert_eq!(status[index]["interface"], interface);
    }
    pod.check(&conf).expect_ok();
    pod.netns.ip(&["link", "del", "lan"]);
    pod.check(&conf).expect_error(999);
    pod.del(&conf).expect_ok();
    scene.assert_clean(&[&pod]);
}
