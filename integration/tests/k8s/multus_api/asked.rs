//! What a pod asks of a network, each key of a selection: who gets it, and who refuses.

use integration::with;
use serde_json::{Value, json};
use testkit::witness::ip_json;

use super::scene::{NO_CAPABILITY, Pod, Scene, bridge, host_local, mark};

/// A pod that asks for this of the network `net`.
fn asking(scene: &Scene, name: &str, keys: &Value) -> Pod {
    scene.pod(name, &json!([with(&json!({"name": "net"}), keys)]).to_string())
}

/// What the interface of the pod looks like.
fn mac(pod: &Pod, interface: &str) -> Value {
    ip_json(Some(pod.netns.name()), &["link", "show", interface])[0]["address"].clone()
}

const MAC: &str = "02:00:00:00:0a:0b";

#[test]
fn npwg_09_10_addresses_and_mac_by_capability() {
    let net = json!({"cniVersion": "1.0.0", "plugins": [
        {"type": "bridge", "bridge": "fpips0", "capabilities": {"ips": true}, "ipam": {"type": "static"}},
        {"type": "tuning", "capabilities": {"mac": true}},
    ]});
    let scene = Scene::new("capable", &[("net", net)]);
    let conf = scene.conf(&json!({}));
    let asked = json!({"ips": ["10.150.0.7/24", "fd00:150::7/64"], "mac": MAC});
    let pod = asking(&scene, "pod", &asked);
    pod.add(&conf).expect_ok();
    assert_eq!(pod.addresses("net1"), ["10.150.0.7/24", "fd00:150::7/64"]);
    assert_eq!(mac(&pod, "net1"), MAC);
    let status = &scene.status("pod")[1];
    assert_eq!(status["mac"], MAC);
    assert_eq!(status["ips"], json!(["10.150.0.7", "fd00:150::7"]));
    pod.check(&conf).expect_ok();
    pod.del(&conf).expect_ok();
    scene.assert_clean(&[&pod]);
}

#[test]
fn npwg_09_10_addresses_and_mac_without_capability_where_the_plugins_take_arguments() {
    let net = with(&bridge("fparg0", 151), &json!({"name": "arguments-net"}));
    let scene = Scene::new("arguments", &[("net", net)]);
    let conf = scene.conf(&json!({}));
    let pod = asking(&scene, "pod", &json!({"ips": ["10.151.0.77"], "mac": MAC.to_uppercase()}));
    pod.add(&conf).expect_ok();
    assert_eq!(pod.addresses("net1"), ["10.151.0.77/24"]);
    assert_eq!(mac(&pod, "net1"), MAC);
    // It is taken now.
    let second = asking(&scene, "second", &json!({"ips": ["10.151.0.77"]}));
    let output = second.add(&conf);
    assert!(output.json.clone().unwrap()["code"].is_number(), "{output}");
    assert_eq!(second.interfaces(), [""; 0]);
    pod.del(&conf).expect_ok();
    scene.assert_clean(&[&pod, &second]);
}

#[test]
fn npwg_09_10_addresses_and_mac_that_nobody_gives_fail_the_pod() {
    // Without host-local's answer to IP, and with a plugin that hears nothing.
    let deaf = json!({"cniVersion": "1.0.0", "type": "bridge", "bridge": "fpdeaf0"});
    let scene =
        Scene::new("deaf", &[("net", deaf), ("marked", mark("two")), ("first", mark("three"))]);
    let conf = scene.conf(&json!({}));
    for (pod, network, key, value) in [
        ("ips", "net", "ips", json!(["10.152.0.7/24"])),
        ("mac", "marked", "mac", json!(MAC)),
        ("ips-2", "marked", "ips", json!(["10.152.0.7"])),
    ] {
        let list = json!([{"name": "first"}, {"name": network, key: value}, {"name": "first"}]);
        let pod = scene.pod(pod, &list.to_string());
        let (msg, details) = pod.add(&conf).expect_error(NO_CAPABILITY);
        assert!(msg.contains(key) && msg.contains(&format!("deaf/{network}")), "{msg}");
        let hint = format!("\"capabilities\": {{\"{key}\": true}}");
        assert!(details.contains(&hint), "{details}");
        scene.assert_clean(&[&pod]);
        let calls = scene.marker.calls();
        assert_eq!(calls[..2], ["one ADD eth0", "three ADD net1"]);
        assert_eq!(calls[calls.len() - 2..], ["three DEL net1", "one DEL eth0"]);
        assert_eq!(scene.status_text(&pod.name), Value::Null);
    }
}

#[test]
fn npwg_13_14_16_what_only_a_capability_can_give() {
    let capable = with(
        &mark("two"),
        &json!({"capabilities": {"portMappings": true, "bandwidth": true, "infinibandGUID": true}}),
    );
    let half = with(&mark("three"), &json!({"capabilities": {"bandwidth": false, "ips": true}}));
    let scene = Scene::new("service", &[("net", capable), ("half", half)]);
    let conf = scene.conf(&json!({}));
    let guid = "c2:11:22:33:44:55:66:77";
    let asked = json!({
        "portMappings": [
            {"hostPort": 8080, "containerPort": 80},
            {"hostPort": 53, "containerPort": 5353, "protocol": "udp", "hostIP": "127.0.0.1"},
        ],
        "bandwidth": {"ingressRate": 2000, "ingressBurst": 3000},
        "infiniband-guid": guid,
    });
    let pod = asking(&scene, "pod", &asked);
    pod.add(&conf).expect_ok();
    let given = scene.marker.stdin("two ADD net1")["runtimeConfig"].clone();
    assert_eq!(given["portMappings"][0]["containerPort"], 80);
    assert!(given["portMappings"][0]["protocol"].as_str().unwrap().eq_ignore_ascii_case("tcp"));
    assert_eq!(given["portMappings"][1]["hostIP"], "127.0.0.1");
    assert_eq!(
        (&given["bandwidth"]["ingressRate"], &given["bandwidth"]["ingressBurst"]),
        (&json!(2000), &json!(3000))
    );
    assert_eq!(given["infinibandGUID"], guid);
    pod.del(&conf).expect_ok();
    assert_eq!(scene.marker.stdin("two DEL net1")["runtimeConfig"], given);
    drop(scene.marker.calls());
    for (name, key, capability) in [
        ("ports", "portMappings", "portMappings"),
        ("bandwidth", "bandwidth", "bandwidth"),
        ("guid", "infiniband-guid", "infinibandGUID"),
    ] {
        let pod = scene.pod(name, &json!([{"name": "half", key: asked[key]}]).to_string());
        let (msg, details) = pod.add(&conf).expect_error(NO_CAPABILITY);
        assert!(msg.contains(capability) && msg.contains("service/half"), "{msg}");
        assert!(details.contains(&format!("{{\"{capability}\": true}}")), "{details}");
        assert!(!scene.marker.calls().contains(&"three ADD net1".into()));
        scene.assert_clean(&[&pod]);
    }
}

#[test]
fn npwg_12_17_arguments_of_the_pod_go_over_those_of_the_network() {
    let net = json!({"cniVersion": "1.1.0", "plugins": [
        {"type": "two", "args": {"cni": {"a": 1, "b": 1}, "own": true}}, {"type": "three", "args": 5},
    ]});
    let scene = Scene::new("args", &[("net", net)]);
    let conf = scene.conf(&json!({}));
    let asked =
        json!({"cni-args": {"b": {"deep": [2]}, "c": null}, "ipam-claim-reference": "claim.one"});
    let pod = asking(&scene, "pod", &asked);
    pod.add(&conf).expect_ok();
    let args = |call: &str| scene.marker.stdin(call)["args"].clone();
    let own = json!({"b": {"deep": [2]}, "c": null, "ipam-claim-reference": "claim.one"});
    assert_eq!(args("two ADD net1"), json!({"cni": with(&own, &json!({"a": 1})), "own": true}));
    assert_eq!(args("three ADD net1"), json!({ "cni": own }));
    assert_eq!(args("one ADD eth0"), Value::Null);
    pod.del(&conf).expect_ok();
    assert_eq!(args("three DEL net1"), json!({ "cni": own }));
    scene.assert_clean(&[&pod]);
}

#[test]
fn a_device_that_the_pod_names_goes_to_every_plugin() {
    let net = json!({"cniVersion": "1.1.0", "plugins": [
        {"type": "two", "capabilities": {"deviceID": true}}, {"type": "three"},
    ]});
    let scene = Scene::new("device", &[("net", net)]);
    let conf = scene.conf(&json!({}));
    let pod = asking(&scene, "pod", &json!({"deviceID": "0000:01:10.4"}));
    pod.add(&conf).expect_ok();
    for call in ["two ADD net1", "three ADD net1"] {
        let stdin = scene.marker.stdin(call);
        assert_eq!(
            (&stdin["deviceID"], &stdin["pciBusID"]),
            (&json!("0000:01:10.4"), &json!("0000:01:10.4"))
        );
    }
    assert_eq!(scene.marker.stdin("two ADD net1")["runtimeConfig"]["deviceID"], "0000:01:10.4");
    assert_eq!(scene.marker.stdin("three ADD net1")["runtimeConfig"], Value::Null);
    pod.del(&conf).expect_ok();
    scene.assert_clean(&[&pod]);
}

#[test]
fn npwg_08_keys_of_others_are_left_alone() {
    let net = with(&bridge("fpkeys0", 153), &json!({"name": "keys-net"}));
    let scene = Scene::new("keys", &[("net", net)]);
    let conf = scene.conf(&json!({}));
    let asked = json!({"example.org/colour": "green", "colour": "red", "MAC": MAC});
    let pod = asking(&scene, "pod", &asked);
    let output = pod.add(&conf);
    output.expect_ok();
    assert!(output.stderr.contains("colour"), "{output}");
    assert!(!output.stderr.contains("example.org"), "{output}");
    pod.del(&conf).expect_ok();
    scene.assert_clean(&[&pod]);
}

#[test]
fn addresses_of_two_networks_do_not_mix() {
    let net = |number, name: &str| {
        with(&bridge(&format!("fpmix{number}"), number), &json!({"name": name}))
    };
    let macvlan = json!({"cniVersion": "1.0.0", "type": "macvlan", "master": "fpmix-m",
                         "name": "mix-lan", "ipam": host_local(156)});
    super::scene::parent("fpmix-m");
    let scene =
        Scene::new("mix", &[("a", net(154, "mix-a")), ("b", net(155, "mix-b")), ("lan", macvlan)]);
    let conf = scene.conf(&json!({}));
    let list = json!([
        {"name": "a", "ips": ["10.154.0.9"]},
        {"name": "b", "mac": MAC},
        {"name": "lan", "ips": ["10.156.0.10"], "mac": "02:00:00:00:0a:0c"},
    ]);
    let pod = scene.pod("pod", &list.to_string());
    pod.add(&conf).expect_ok();
    assert_eq!(pod.addresses("net1"), ["10.154.0.9/24"]);
    assert_ne!(mac(&pod, "net1"), MAC);
    assert_eq!(pod.addresses("net2"), ["10.155.0.2/24"]);
    assert_eq!(mac(&pod, "net2"), MAC);
    assert_eq!(pod.addresses("net3"), ["10.156.0.10/24"]);
    assert_eq!(mac(&pod, "net3"), "02:00:00:00:0a:0c");
    pod.del(&conf).expect_ok();
    scene.assert_clean(&[&pod]);
}
