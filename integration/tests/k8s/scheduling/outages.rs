//! Without the extender: pods are placed right all the same, since what they need are requests and affinity.

use serde_json::json;

use super::nodes::Node;
use super::scene::{Scene, Shape, pod};

#[test]
fn while_the_extender_is_down_the_rules_hold() {
    let mut scene = Scene::new(Shape::Beside);
    scene.nodes([
        Node::measured("quick", "vf", 2, 40),
        Node::measured("slow", "vf", 8, 4000),
        Node::measured("ovs", "ovs-dpdk", 8, 90),
        Node::plain("plain"),
    ]);
    scene.start_scheduler();
    // Admission gives them what they need; then nobody answers any more.
    for (name, budget) in [("a", "900"), ("b", "900"), ("c", "900"), ("d", "7000")] {
        let mut waits = pod(name, &json!({"latency": budget}));
        waits["spec"]["schedulerName"] = json!("nobody-yet");
        let dry = scene.create(&waits, &["--dry-run=server", "-o", "json"]).unwrap();
        let mut admitted: serde_json::Value = serde_json::from_str(&dry).unwrap();
        admitted["spec"]["schedulerName"] = json!("latency-scheduler");
        admitted["metadata"]["namespace"] = json!("other");
        std::fs::write(scene.api.dir().join(format!("{name}.json")), admitted.to_string()).unwrap();
    }
    let asked = scene.program.answered("prioritize");
    scene.program.kill();
    for name in ["a", "b", "c", "d"] {
        let file = scene.api.dir().join(format!("{name}.json"));
        scene.api.kubectl(&["create", "-f", &file.display().to_string()]);
    }
    let node =
        |name: &str| scene.api.get(&["-n", "other", "pod", name])["spec"]["nodeName"].clone();
    testkit::wait::eventually(super::scene::SOON, "them to be placed", || {
        // One of the first three finds both VFs of the only node that keeps 900 µs taken.
        ["a", "b", "c", "d"].iter().filter(|name| !node(name).is_null()).count() == 3
    });
    let on_quick = ["a", "b", "c"].iter().filter(|name| node(name) == "quick").count();
    assert_eq!((on_quick, node("d")), (2, json!("ovs")));
    assert_eq!(asked, 0);
}
