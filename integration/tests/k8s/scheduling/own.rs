//! A kube-scheduler of its own, which asks for all its pods, filters and makes room.

use serde_json::{Value, json};
use testkit::wait::eventually;

use super::bands::each_budget_is_placed_by_its_band;
use super::nodes::Node;
use super::scene::{SOON, Scene, Shape, pod};

#[test]
fn each_budget_is_placed_by_its_band_with_a_scheduler_of_our_own() {
    let scene = Scene::new(Shape::Own);
    scene.start_scheduler();
    each_budget_is_placed_by_its_band(&scene);
    let lease = scene.api.get(&["-n", "kube-system", "lease", "latency-scheduler"]);
    assert!(lease["spec"]["holderIdentity"].is_string(), "{lease}");
    assert!(scene.program.answered("filter") > 0 && scene.program.answered("prioritize") > 0);

    // Where nobody asks for admission a budget is refused on every node, and the pod says why.
    let mut unseen = pod("unseen", &json!({"latency": "900"}));
    unseen["metadata"]["namespace"] = json!("other");
    scene.create(&unseen, &[]).unwrap();
    let mut why = String::new();
    eventually(SOON, "the event", || {
        let events = scene.api.get(&["-n", "other", "events"]);
        let events = events["items"].as_array().unwrap();
        let of_pod = events.iter().find(|event| event["involvedObject"]["name"] == "unseen");
        why = of_pod.map_or(String::new(), |event| event["message"].to_string());
        !why.is_empty()
    });
    assert!(why.contains("0/3 nodes") && why.contains("3 admission did not run"), "{why}");
    // It is nobody's business how a pod without a budget is placed.
    let mut plain = pod("no-budget", &json!({}));
    plain["metadata"]["namespace"] = json!("other");
    scene.create(&plain, &[]).unwrap();
    eventually(SOON, "it to be placed", || {
        !scene.api.get(&["-n", "other", "pod", "no-budget"])["spec"]["nodeName"].is_null()
    });
}

#[test]
fn room_is_made_where_the_budget_is_kept() {
    let scene = Scene::new(Shape::Own);
    scene.start_scheduler();
    scene.nodes([Node::measured("quick", "vf", 1, 40), Node::measured("slow", "vf", 1, 4000)]);
    for (name, value) in [("low", -1), ("high", 1000)] {
        scene.api.apply(&json!({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass",
            "metadata": {"name": name}, "value": value}));
    }
    let with = |name: &str, class: &str, budget: &str| -> Value {
        let mut pod = pod(name, &json!({"latency": budget}));
        pod["spec"]["priorityClassName"] = json!(class);
        // Victims get time to end; nobody ends them here.
        pod["spec"]["terminationGracePeriodSeconds"] = json!(0);
        pod
    };
    for (name, node) in [("victim", "quick"), ("spared", "slow")] {
        scene.create(&with(name, "low", "5000"), &[]).unwrap();
        assert_eq!(scene.wait_placed(name), node);
    }

    scene.create(&with("important", "high", "800"), &[]).unwrap();
    assert_eq!(scene.wait_placed("important"), "quick");
    assert!(scene.pod("victim").is_null());
    assert_eq!(scene.pod("spared")["spec"]["nodeName"], "slow");
    // This kube-scheduler does not ask extenders about it (a defect of 1.20.0 to 1.20.8, mended by
    // https://github.com/kubernetes/kubernetes/pull/103019); the requests of one that does are in
    // scheduler/tests/wire.
}
