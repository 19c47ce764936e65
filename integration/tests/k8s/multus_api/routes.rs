//! `default-route`: through which network the pod's default route goes.

use integration::with;
use serde_json::{Value, json};
use testkit::witness::ip_json;

use super::scene::{Pod, Scene, bridge, mark};

/// A bridge that is the gateway of both families, and the pod's default route.
fn gateway(name: &str, number: u8, default: bool) -> Value {
    let routes = if default { json!([{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]) } else { json!([]) };
    let ipam = json!({"type": "host-local", "routes": routes, "ranges": [
        [{"subnet": format!("10.{number}.0.0/24")}], [{"subnet": format!("fd00:{number}::/64")}]]});
    let net = json!({"name": name, "isGateway": true, "ipam": ipam});
    with(&bridge(&format!("fproute{number}"), number), &net)
}

/// The pod's default routes, `GATEWAY INTERFACE`.
fn defaults(pod: &Pod, family: &str) -> Vec<String> {
    let routes = ip_json(Some(pod.netns.name()), &[family, "route", "show", "default"]);
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let routes = routes.as_array().unwrap().iter();
    routes.map(|route| format!("{} {}", text(&route["gateway"]), text(&route["dev"]))).collect()
}

/// What network-status says: the gateways of each entry.
fn published(scene: &Scene, pod: &str) -> Vec<Value> {
    let status = scene.status(pod);
    status.as_array().unwrap().iter().map(|entry| entry["gateway"].clone()).collect()
}

#[test]
fn npwg_15_the_default_route_moves_to_the_network_that_asks() {
    let scene = Scene::new("route", &[("net", gateway("route-net", 161, false))]);
    let conf = scene.conf(&json!({"delegates": [gateway("route-default", 160, true)]}));
    let (v4, v6) = (json!(["10.160.0.1"]), "fd00:160::1");
    for (name, asked, on_v4, on_v6, gateways) in [
        (
            "none",
            Value::Null,
            "10.160.0.1 eth0",
            "fd00:160::1 eth0",
            [json!(["10.160.0.1", v6]), json!(null)],
        ),
        (
            "four",
            json!(["10.161.0.1"]),
            "10.161.0.1 net1",
            "fd00:160::1 eth0",
            [json!([v6]), json!(["10.161.0.1"])],
        ),
        (
            "six",
            json!(["fd00:161::1"]),
            "10.160.0.1 eth0",
            "fd00:161::1 net1",
            [v4, json!(["fd00:161::1"])],
        ),
        (
            "both",
            json!(["10.161.0.1", "fd00:161::1"]),
            "10.161.0.1 net1",
            "fd00:161::1 net1",
            [json!(null), json!(["10.161.0.1", "fd00:161::1"])],
        ),
    ] {
        let pod = scene.pod(name, &json!([{"name": "net", "default-route": asked}]).to_string());
        let result = pod.add(&conf).expect_ok();
        assert_eq!(defaults(&pod, "-4"), [on_v4], "{name}");
        assert_eq!(defaults(&pod, "-6"), [on_v6], "{name}");
        assert_eq!(published(&scene, name), gateways, "{name}");
        // The runtime is told as well.
        let told = result["routes"].as_array().map_or(0, Vec::len);
        let kept = [on_v4, on_v6].iter().filter(|route| route.ends_with("eth0")).count();
        assert_eq!(told, kept, "{name}: {result:#}");
        pod.check(&conf).expect_ok();
        pod.del(&conf).expect_ok();
        scene.assert_clean(&[&pod]);
    }
}

#[test]
fn npwg_15_an_empty_list_keeps_the_networks_own_gateway() {
    let scene = Scene::new("own", &[("net", gateway("own-net", 163, true))]);
    let conf = scene.conf(&json!({"delegates": [gateway("own-default", 162, true)]}));
    let pod = scene.pod("pod", r#"[{"name": "net", "default-route": []}]"#);
    pod.add(&conf).expect_ok();
    assert_eq!(defaults(&pod, "-4"), ["10.163.0.1 net1"]);
    assert_eq!(defaults(&pod, "-6"), ["fd00:163::1 net1"]);
    assert_eq!(published(&scene, "pod"), [Value::Null, json!(["10.163.0.1", "fd00:163::1"])]);
    pod.check(&conf).expect_ok();
    pod.del(&conf).expect_ok();
    scene.assert_clean(&[&pod]);
}

#[test]
fn npwg_15_a_gateway_that_cannot_be_reached_detaches_everything() {
    let scene =
        Scene::new("far", &[("net", gateway("far-net", 165, false)), ("mark", mark("two"))]);
    let conf = scene.conf(&json!({"delegates": [gateway("far-default", 164, true)]}));
    let list = json!([{"name": "mark"}, {"name": "net", "default-route": ["192.0.2.1"]}]);
    let pod = scene.pod("pod", &list.to_string());
    let (msg, details) = pod.add(&conf).expect_error(5);
    assert!(format!("{msg}: {details}").contains("route"), "{msg}: {details}");
    scene.assert_clean(&[&pod]);
    assert_eq!(scene.status_text("pod"), Value::Null);
}

#[test]
fn npwg_15_of_a_network_without_an_interface_it_is_in_the_result() {
    let socket = with(
        &mark("two"),
        &json!({"result": {"interfaces": [{"name": "IFNAME", "socketPath": "/run/s"}]}}),
    );
    let scene = Scene::new("socket", &[("net", socket)]);
    let conf = scene.conf(&json!({"delegates": [gateway("socket-default", 166, true)]}));
    let pod = scene.pod("pod", r#"[{"name": "net", "default-route": ["10.9.0.1"]}]"#);
    pod.add(&conf).expect_ok();
    // The application has the default route now, the kernel none of that family.
    assert_eq!(defaults(&pod, "-4"), [""; 0]);
    assert_eq!(defaults(&pod, "-6"), ["fd00:166::1 eth0"]);
    assert_eq!(published(&scene, "pod")[1], json!(["10.9.0.1"]));
    pod.del(&conf).expect_ok();
    scene.assert_clean(&[&pod]);
}
