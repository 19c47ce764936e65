//! network-status, and whose it is: pods that are gone, were created again, or are kubelet's own.

use integration::with;
use serde_json::{Value, json};
use testkit::k8s::busybox_pod;

use super::scene::{NETWORKS, NO_POD, STATUS, Scene, mark};

#[test]
fn npwg_18_20_21_22_the_status_is_what_kubectl_shows() {
    let result = |result: Value| with(&mark("two"), &json!({ "result": result }));
    let dns = json!({"nameservers": ["10.1.0.53"], "domain": "example.org",
                     "search": ["a.example.org"], "options": ["ndots:2"]});
    let full = json!({
        "interfaces": [
            {"name": "veth-of-host", "mac": "02:00:00:00:00:01"},
            {"name": "IFNAME", "sandbox": "NETNS", "mac": "02:00:00:00:00:02", "mtu": 9000},
        ],
        "ips": [
            {"address": "10.1.0.2/24", "gateway": "10.1.0.1", "interface": 1},
            {"address": "fd01::2/64", "interface": 1},
            {"address": "10.1.0.254/24", "interface": 0},
        ],
        "routes": [
            {"dst": "0.0.0.0/0"}, {"dst": "::/0", "gw": "fd01::1"}, {"dst": "10.9.0.0/16", "gw": "10.1.0.9"},
        ],
        "dns": dns,
    });
    let dpdk = json!({"interfaces": [{"name": "IFNAME", "pciID": "0000:01:10.0"}]});
    let two = json!({
        "interfaces": [
            {"name": "IFNAME", "sandbox": "NETNS", "mac": "02:00:00:00:00:03"},
            {"name": "second", "sandbox": "NETNS", "mac": "02:00:00:00:00:04"},
        ],
        "ips": [{"address": "10.2.0.3/24", "interface": 1}, {"address": "10.2.0.2/24", "interface": 0}],
    });
    let scene = Scene::new(
        "status",
        &[
            ("full", result(full.clone())),
            ("dpdk", result(dpdk)),
            ("two", result(two)),
            ("none", result(json!({}))),
        ],
    );
    let default = with(&result(full), &json!({"name": "status-default", "type": "one"}));
    let conf = scene.conf(&json!({"delegates": [default]}));
    let pod = scene.pod("pod", "full,dpdk,two,none");
    pod.add(&conf).expect_ok();
    let text = scene.status_text("pod");
    let text = text.as_str().unwrap();
    let entry = |name: &str, interface: &str| {
        json!({"name": name, "interface": interface,
               "ips": ["10.1.0.2", "fd01::2"], "mac": "02:00:00:00:00:02",
               "mtu": 9000, "dns": dns, "gateway": ["10.1.0.1", "fd01::1"]})
    };
    let expected = json!([
        with(&entry("status-default", "eth0"), &json!({"default": true})),
        entry("status/full", "net1"),
        {"name": "status/dpdk", "interface": "net2", "dns": {}},
        {"name": "status/two", "interface": "net3",
         "ips": ["10.2.0.2"], "mac": "02:00:00:00:00:03", "dns": {}},
        {"name": "status/two", "interface": "second",
         "ips": ["10.2.0.3"], "mac": "02:00:00:00:00:04", "dns": {}},
        {"name": "status/none", "interface": "net4", "dns": {}},
    ]);
    assert_eq!(serde_json::from_str::<Value>(text).unwrap(), expected, "{text}");
    // For people: one key to a line.
    assert!(text.lines().any(|line| line.trim() == r#""name": "status-default","#), "{text}");
    let annotations = &scene.api.get(&["pod", "-n", "status", "pod"])["metadata"]["annotations"];
    assert_eq!(annotations[NETWORKS], "full,dpdk,two,none");
    pod.del(&conf).expect_ok();
    scene.assert_clean(&[&pod]);

    // A sandbox that is made again is published anew.
    let again = scene.sandbox("pod", pod.uid.clone());
    let conf = scene.conf(&json!({}));
    again.add(&conf).expect_ok();
    assert_eq!(
        scene.status("pod")[0],
        json!({"name": "status-default", "interface": "eth0", "default": true, "dns": {}})
    );
    again.del(&conf).expect_ok();
}

#[test]
fn an_old_result_is_published_as_far_as_it_goes() {
    let old = json!({"cniVersion": "0.2.0", "type": "two", "result": {
        "ip4": {"ip": "10.3.0.2/24", "gateway": "10.3.0.1", "routes": [{"dst": "0.0.0.0/0"}]},
        "dns": {"nameservers": ["10.3.0.53"]},
    }});
    let scene = Scene::new("oldresult", &[("old", old)]);
    let conf = scene.conf(&json!({}));
    let pod = scene.pod("pod", "old");
    pod.add(&conf).expect_ok();
    assert_eq!(
        scene.status("pod")[1],
        json!({"name": "oldresult/old", "interface": "net1", "ips": ["10.3.0.2"],
               "dns": {"nameservers": ["10.3.0.53"]}, "gateway": ["10.3.0.1"]})
    );
    pod.check(&conf).expect_ok();
    pod.del(&conf).expect_ok();
    scene.assert_clean(&[&pod]);
}

#[test]
fn a_pod_that_was_created_again_is_another_one() {
    let scene = Scene::new("again", &[("a", mark("two"))]);
    let conf = scene.conf(&json!({}));
    let old = scene.pod("pod", "a");
    scene.delete("pod");
    let (msg, details) = old.add(&conf).expect_error(NO_POD);
    assert!(msg.contains("again/pod") && msg.contains("does not exist"), "{msg}: {details}");
    let new = scene.pod("pod", "a");
    assert_ne!(old.uid, new.uid);
    let output = old.add(&conf);
    let (msg, _) = output.expect_error(NO_POD);
    assert!(msg.contains(&old.uid) && msg.contains(&new.uid), "{msg}");
    // No result is made up, and nothing was done.
    assert_eq!(output.json.unwrap().get("ips"), None);
    assert_eq!(scene.marker.calls(), [""; 0]);
    assert_eq!(scene.status_text("pod"), Value::Null);
    old.del(&conf).expect_ok();
    // Of the new one it is the first sandbox.
    new.add(&conf).expect_ok();
    let status = scene.status_text("pod");
    old.del(&conf).expect_ok();
    assert_eq!(scene.status_text("pod"), status);
    new.del(&conf).expect_ok();
    scene.assert_clean(&[&old, &new]);
}

#[test]
fn a_pod_that_goes_while_it_is_attached_is_detached() {
    let scene = Scene::new("goes", &[("a", mark("two"))]);
    let conf = scene.conf(&json!({}));
    let names = ["deleted", "replaced"];
    for name in names {
        let pod = scene.pod(name, "a");
        let hold = scene.marker.holding("two ADD");
        let output = std::thread::scope(|scope| {
            let adding = scope.spawn(|| pod.add(&conf));
            scene.marker.wait_for("two ADD net1");
            scene.delete(name);
            if name == "replaced" {
                scene.api.apply(&busybox_pod("goes", name, &json!({NETWORKS: "a"})));
            }
            drop(hold);
            adding.join().unwrap()
        });
        let (msg, _) = output.expect_error(NO_POD);
        assert!(msg.contains(&format!("goes/{name}")), "{msg}");
        scene.assert_clean(&[&pod]);
        assert_eq!(scene.status_text(name), Value::Null);
        std::fs::remove_file(scene.marker.dir().join("log")).unwrap();
    }
}

#[test]
fn a_static_pod_has_another_uid_at_the_api_server() {
    let scene = Scene::new("static", &[("a", mark("two"))]);
    let conf = scene.conf(&json!({}));
    let annotations = json!({NETWORKS: "a", "kubernetes.io/config.source": "file"});
    scene.api.apply(&busybox_pod("static", "pod", &annotations));
    let pod = scene.sandbox("pod", "3d5f1d2c0a1b4c5d8e9f0a1b2c3d4e5f".into());
    pod.add(&conf).expect_ok();
    assert_eq!(scene.status("pod")[1]["name"], "static/a");
    pod.del(&conf).expect_ok();
    // Not so if it is said that the API server is where it comes from.
    let annotations = json!({NETWORKS: "a", "kubernetes.io/config.source": "api"});
    scene.api.apply(&busybox_pod("static", "api", &annotations));
    let pod = scene.sandbox("api", "3d5f1d2c0a1b4c5d8e9f0a1b2c3d4e5f".into());
    let _ = pod.add(&conf).expect_error(NO_POD);
    // Runtimes that tell no uid (older than 1.22) are believed.
    let pod = scene.sandbox("api", String::new());
    pod.add(&conf).expect_ok();
    pod.del(&conf).expect_ok();
    scene.assert_clean(&[&pod]);
}

#[test]
fn what_somebody_else_wrote_is_replaced_and_the_rest_stays() {
    let scene = Scene::new("rest", &[("a", mark("two"))]);
    let conf = scene.conf(&json!({}));
    let mut object = busybox_pod(
        "rest",
        "pod",
        &json!({NETWORKS: "a", STATUS: "[{\"name\":\"forged\"}]", "example.org/x": "y"}),
    );
    object["metadata"]["labels"] = json!({"app": "web"});
    let pod = scene.create(&object);
    pod.add(&conf).expect_ok();
    let now = scene.api.get(&["pod", "-n", "rest", "pod"]);
    assert_eq!(scene.status("pod")[0]["name"], "rest-default");
    assert_eq!(now["metadata"]["annotations"]["example.org/x"], "y");
    assert_eq!(now["metadata"]["labels"], json!({"app": "web"}));
    assert_eq!(now["status"]["phase"], "Pending");
    pod.del(&conf).expect_ok();
    scene.assert_clean(&[&pod]);
}
