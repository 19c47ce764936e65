//! Off the loopback: certificates on both sides.

use serde_json::json;

use super::nodes::Node;
use super::program::certify;
use super::scene::{Scene, Shape};

#[test]
fn the_scheduler_and_the_extender_show_each_other_who_they_are() {
    let scene = Scene::new(Shape::Remote);
    scene.nodes([Node::measured("quick", "vf", 8, 40), Node::measured("slow", "vf", 8, 4000)]);
    scene.start_scheduler();
    assert_eq!(scene.place("first", &json!({"latency": "5000"})), "quick");
    let asked = scene.program.answered("prioritize");
    assert!(asked > 0);

    // Strangers: a scheduler with a certificate of somebody else's, and one that trusts somebody else.
    let theirs = scene.api.dir().join("theirs");
    certify(&theirs, &["latency-scheduler.kube-system.svc"]);
    for (name, files) in [("unknown", &["certFile", "keyFile"][..]), ("mistrusting", &["caFile"])] {
        let mut config = scene.scheduler_config();
        let tls = &mut config["extenders"][0]["tlsConfig"];
        for file in files {
            let ours = tls[*file].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
            tls[*file] = json!(theirs.join(ours));
        }
        scene.api.start_scheduler(&config);
        // The extender may be ignored: the pod is placed, by the rules that kube-scheduler knows itself.
        scene.place(name, &json!({"latency": "5000"}));
        assert_eq!(scene.program.answered("prioritize"), asked, "{name}");
    }
}
