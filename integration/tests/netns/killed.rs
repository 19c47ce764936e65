//! Killed anywhere: every point of ADD and DEL.

use integration::kill_add_and_del;
use serde_json::json;
use testkit::netns::Netns;

use crate::bed::{conf, sriov, state};

#[test]
fn at_every_point_of_add_and_del() {
    let (sriov, _turn) = sriov();
    let pod = Netns::new();
    for report in kill_add_and_del("kernel", &sriov, &conf(&json!({})), pod.path(), |_| true, state)
    {
        report.assert_clean();
    }
}
