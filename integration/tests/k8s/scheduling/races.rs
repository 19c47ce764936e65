//! Many pods at once: no device is promised twice, and no pod is forgotten.

use std::collections::{BTreeMap, BTreeSet};
use std::thread::sleep;
use std::time::Duration;

use serde_json::json;
use testkit::wait::eventually;

use super::nodes::Node;
use super::scene::{NAMESPACE, SOON, Scene, Shape};

impl Scene {
    fn winners(&self) -> Vec<String> {
        let placed = self.placed().into_iter();
        placed.filter(|(_, node)| !node.is_empty()).map(|(pod, _)| pod).collect()
    }

    /// Waits for the one that wins after these.
    fn next_winner(&self, before: &[String]) -> String {
        let new =
            || self.winners().into_iter().filter(|pod| !before.contains(pod)).collect::<Vec<_>>();
        eventually(SOON, "another to win", || !new().is_empty());
        // As long as one more bind would take.
        sleep(Duration::from_secs(2));
        let new = new();
        assert_eq!(new.len(), 1, "{new:?}");
        new[0].clone()
    }

    /// Pods that kube-scheduler has said of that there is no room.
    fn losers(&self) -> usize {
        let pods = self.api.get(&["-n", NAMESPACE, "pods"]);
        let lost = |pod: &&serde_json::Value| {
            let conditions = pod["status"]["conditions"].as_array().cloned().unwrap_or_default();
            conditions.iter().any(|one| one["reason"] == "Unschedulable")
        };
        pods["items"].as_array().unwrap().iter().filter(lost).count()
    }
}

#[test]
fn the_last_vf_goes_to_one_of_fifty_pods_and_then_to_another() {
    let scene = Scene::new(Shape::Beside);
    scene.nodes([Node::measured("quick", "vf", 1, 40), Node::measured("slow", "vf", 4, 9000)]);
    scene.create_many(50, "racer", &json!({"latency": "900"}));
    scene.start_scheduler();
    let all_decided = || scene.winners().len() + scene.losers() == 50;
    eventually(SOON, "each to win or to lose", all_decided);
    let winners = scene.winners();
    assert_eq!(winners.len(), 1, "{winners:?}");
    assert_eq!(scene.counts(), BTreeMap::from([("quick".to_owned(), 1)]));

    scene.delete(&[&winners[0]]);
    let second = scene.next_winner(&[]);
    // One that was evicted or has crashed for good has no device any more, though it is still there.
    let failed = json!({"status": {"phase": "Failed"}}).to_string();
    let patch = ["patch", "pod", &second, "--subresource=status", "--type=merge", "-p", &failed];
    scene.api.kubectl(&[&["-n", NAMESPACE], &patch[..]].concat());
    scene.next_winner(&[second]);
}

#[test]
fn a_burst_outlives_restarts_of_scheduler_and_extender() {
    const PODS: usize = 200;
    let mut scene = Scene::new(Shape::Beside);
    scene.nodes((0..10).map(|n| Node::measured(&format!("node-{n}"), "vf", PODS / 10, 30 + n)));
    // Slow enough that it is in the middle when something happens.
    let mut config = scene.scheduler_config();
    config["clientConnection"] = json!({"qps": 30, "burst": 10});
    scene.api.start_scheduler(&config);
    scene.create_many(PODS, "burst", &json!({"latency": "900"}));
    let placed_more_than = |scene: &Scene, count: usize| {
        eventually(SOON, "more to be placed", || scene.winners().len() > count);
        scene.winners().len()
    };
    let count = placed_more_than(&scene, 0);
    scene.api.stop_scheduler();
    let before = scene.placed();
    println!("placed when the scheduler was killed: {count}");
    scene.api.start_scheduler(&config);
    let count = placed_more_than(&scene, count + 5);
    scene.program.kill();
    println!("placed when the extender was killed: {count}");
    let count = placed_more_than(&scene, count + 5);
    println!("placed when it was started again: {count}");
    scene.program.start_again();
    assert!(count < PODS, "it was too late");
    eventually(SOON, "all to be placed", || scene.winners().len() == PODS);

    let counts = scene.counts();
    assert!(counts.values().all(|count| *count == PODS / 10), "{counts:?}");
    let after = scene.placed();
    for (pod, node) in before.iter().filter(|(_, node)| !node.is_empty()) {
        assert_eq!(after[pod], *node, "{pod} has moved");
    }
    let bound: Vec<String> = scene
        .api
        .requests()
        .into_iter()
        .filter(|request| request.uri.contains("/binding") && request.code == Some(201))
        .map(|request| request.uri)
        .collect();
    let pods: BTreeSet<&String> = bound.iter().collect();
    assert_eq!((bound.len(), pods.len()), (PODS, PODS), "each is bound once");
}
