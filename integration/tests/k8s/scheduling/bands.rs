//! The band chooses the path, the measurement chooses the node.

use serde_json::json;

use super::nodes::Node;
use super::scene::{NAMESPACE, Scene, Shape};

/// The thesis' four bands and each of their boundaries, on a cluster that has one kind of node for each path.
pub(super) fn each_budget_is_placed_by_its_band(scene: &Scene) {
    scene.nodes([
        Node::measured("vf", "vf", 16, 40),
        Node::measured("ovs", "ovs-dpdk", 16, 90),
        Node::plain("plain"),
    ]);
    for (budget, node) in [
        ("800", "vf"),
        ("801", "vf"),
        ("4999", "vf"),
        ("5000", "vf"),
        ("5001", "ovs"),
        ("9999", "ovs"),
        ("10000", "ovs"),
        ("10001", "plain"),
    ] {
        let name = format!("budget-{budget}");
        assert_eq!(scene.place(&name, &json!({"latency": budget})), node, "{budget}");
        assert_eq!(scene.pod(&name)["spec"]["schedulerName"], "latency-scheduler");
    }
    let pod = super::scene::pod("budget-799", &json!({"latency": "799"}));
    let error = scene.create(&pod, &[]).unwrap_err();
    assert!(error.contains("the least that works is 800"), "{error}");
    assert!(scene.pod("budget-799").is_null());
}

#[test]
fn each_budget_is_placed_by_its_band_beside_the_clusters_scheduler() {
    let scene = Scene::new(Shape::Beside);
    scene.start_scheduler();
    each_budget_is_placed_by_its_band(&scene);

    // The second name is one of the same scheduler, and a pod need not use it.
    let mut pod = super::scene::pod("by-default", &json!({"fastpath.dev/latency": "2ms"}));
    pod["spec"]["schedulerName"] = json!("default-scheduler");
    scene.create(&pod, &[]).unwrap();
    assert_eq!(scene.wait_placed("by-default"), "vf");
}

#[test]
fn a_measured_node_wins_or_loses_as_its_figure_says() {
    let scene = Scene::new(Shape::Beside);
    scene.start_scheduler();
    // Named so that no order of names gives the answer.
    scene.nodes([
        Node::measured("c-quick", "vf", 2, 40),
        Node::measured("a-slow", "vf", 2, 4000),
        Node::with("d-unmeasured", "vf", 2),
        Node::measured("b-expired", "vf", 1, 20).renewed("2020-01-01T00:00:00Z"),
        Node::measured("e-too-slow", "vf", 8, 5001),
    ]);
    let wanted =
        ["c-quick", "c-quick", "a-slow", "a-slow", "d-unmeasured", "d-unmeasured", "b-expired"];
    let placed: Vec<String> = (0..wanted.len())
        .map(|n| scene.place(&format!("pod-{n}"), &json!({"latency": "5000"})))
        .collect();
    assert_eq!(placed, wanted);
    assert!(scene.program.answered("prioritize") > 0);

    // All that would do is taken; the node that is too slow stays empty.
    scene.create(&super::scene::pod("one-more", &json!({"latency": "5000"})), &[]).unwrap();
    let why = scene.why_unschedulable("one-more");
    assert!(why.contains("Insufficient fastpath.dev/vf"), "{why}");
    scene.delete(&["one-more", "pod-0", "pod-2", "pod-4"]);

    // Figures change, and nobody has to be told.
    let label = |node: &str, p99: &str| {
        let label = format!("fastpath.dev/vf-p99-us={p99}");
        scene.api.kubectl(&["label", "--overwrite", "node", node, &label]);
    };
    label("c-quick", "4500");
    label("a-slow", "30");
    assert_eq!(scene.place("after", &json!({"latency": "5000"})), "a-slow");
    // Who requires a figure does not get the node that has none, though it is free.
    let measured = json!({"latency": "5000", "fastpath.dev/require-measured": "true"});
    assert_eq!(scene.place("measured", &measured), "c-quick");
    scene.create(&super::scene::pod("none-left", &measured), &[]).unwrap();
    scene.why_unschedulable("none-left");
    assert_eq!(scene.counts()["d-unmeasured"], 1);
}

#[test]
fn slow_pods_stay_off_the_fast_nodes_while_there_is_room() {
    let scene = Scene::new(Shape::Beside);
    scene.start_scheduler();
    let fast = (0..5).map(|n| Node::measured(&format!("fast-{n}"), "vf", 8, 40));
    let plain = (0..5).map(|n| Node::plain(&format!("plain-{n}")));
    scene.nodes(fast.chain(plain));
    scene.create_many(200, "slow", &json!({"latency": "20000"}));
    testkit::wait::eventually(super::scene::SOON, "all to be placed", || {
        scene.counts().values().sum::<usize>() == 200
    });
    let counts = scene.counts();
    let on_plain: usize =
        counts.iter().filter(|(node, _)| node.starts_with("plain")).map(|(_, count)| count).sum();
    println!("slow pods by node: {counts:?}");
    assert!(on_plain >= 190, "{on_plain} of 200 in {NAMESPACE}: {counts:?}");
}
