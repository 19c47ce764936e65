//! Killed anywhere: every point of ADD and DEL, with all that an attachment may have.

use integration::kill_add_and_del;
use serde_json::json;
use testkit::netns::Netns;

use super::scene::Scene;

#[test]
fn at_every_point_of_add_and_del() {
    let (scene, pod) = (Scene::new(), Netns::new());
    let limit = json!({"rate": 1_000_000});
    let conf = scene.conf(
        0,
        &json!({"switch": "made", "createSwitch": {"subnet": "10.30.0.0/24"}, "ingress": limit,
            "dhcp": {"cidr": "10.9.0.0/24"}, "ipam": {"type": "testipam"}}),
    );
    let plugin = scene.plugin(0).path(&integration::test_ipam());
    let state = || scene.state() + &integration::leftovers();
    for report in kill_add_and_del("ovn", &plugin, &conf, pod.path(), |_| true, state) {
        report.assert_clean();
    }
}
