//! Killed anywhere: every point of ADD and DEL, with all that an attachment may have.

use integration::kill_add_and_del;
use serde_json::json;
use testkit::netns::Netns;

use crate::bed::ovs;
use crate::pod::{conf, state, vhostuser};

#[test]
fn at_every_point_of_add_and_del() {
    let (ovs, pod) = (ovs(), Netns::new());
    let limit = json!({"rate": 1_000_000});
    let conf = conf(
        &json!({"vlan": 7, "ingress": limit, "egress": limit, "ipam": {"type": "testipam"},
        "bridge": "made", "createBridge": true, "runtimeConfig": {"CNIDeviceInfoFile": "/run/devinfo/a.json"}}),
    );
    let state = || state(&ovs) + &format!("{:?}", integration::listing("/run/devinfo"));
    for report in kill_add_and_del("client", &vhostuser(), &conf, pod.path(), |_| true, state) {
        report.assert_clean();
    }
}

#[test]
fn where_the_switch_listens() {
    let (ovs, pod) = (ovs(), Netns::new());
    let conf = conf(&json!({"mode": "dpdkvhostuser"}));
    let sockets = || format!("{:?}", integration::listing(testkit::ovs::DIR));
    let state = || state(&ovs) + &sockets();
    for report in kill_add_and_del("server", &vhostuser(), &conf, pod.path(), |_| true, state) {
        report.assert_clean();
    }
}
