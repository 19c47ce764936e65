//! A reboot between ADD and DEL: two boots of the VM that share /var/lib/fastpath.
//!
//! The suite runs `first_boot` in one VM and `second_boot` in the next.

#![expect(clippy::unwrap_used, reason = "a panic with its line is a test's report")]

use std::fs;
use std::time::Duration;

use integration::listing;
use integration::repair::repairs;
use serde_json::{Value, json};
use testkit::cni::Plugin;
use testkit::netns::Netns;
use testkit::wait::eventually;
use testkit::witness::vf_table;

fn sriov() -> Plugin {
    fs::write("/sys/class/net/eth0/device/sriov_numvfs", "3").unwrap();
    eventually(Duration::from_secs(30), "every VF has a netdev", || {
        !vf_table("eth0").contains("netdev=-")
    });
    Plugin::new("sriov").path("/usr/lib/cni")
}

fn conf(name: &str, vf: &str) -> Value {
    json!({"cniVersion": "1.0.0", "name": name, "type": "sriov", "deviceID": vf, "vlan": 5,
           "ipam": {"type": "host-local", "dataDir": "/var/lib/fastpath/leases",
                    "ranges": [[{"subnet": "10.6.0.0/24"}]]}})
}

#[test]
fn first_boot() {
    let (sriov, pod) = (sriov(), Netns::new());
    sriov.add(&conf("a", "0000:01:10.0"), "old", "net1", pod.path()).expect_ok();
    sriov.add(&conf("b", "0000:01:10.2"), "old", "net2", pod.path()).expect_ok();
    sriov.add(&conf("c", "0000:01:10.4"), "old", "net3", pod.path()).expect_ok();
    assert_eq!(listing(integration::RECORDS).len(), 3);
}

#[test]
fn second_boot() {
    assert_eq!(listing(integration::RECORDS).len(), 3, "the first boot's records are on the share");
    let (sriov, pod) = (sriov(), Netns::new());
    let before = vf_table("eth0");
    // The new VFs are not what the records describe: DEL gives the lease back and leaves them alone.
    sriov.del(&conf("a", "0000:01:10.0"), "old", "net1", "").expect_ok();
    assert_eq!(vf_table("eth0"), before);
    assert!(!listing("/var/lib/fastpath/leases/a").contains(&"10.6.0.2".to_owned()));
    // A pod may have the VF of the other record although nobody deleted that one yet.
    sriov.add(&conf("b", "0000:01:10.2"), "new", "net1", pod.path()).expect_ok();
    sriov.del(&conf("b", "0000:01:10.2"), "old", "net2", "").expect_ok();
    // What nobody deletes is the node agent's: it leaves the pod alone that lives.
    repairs(|| vf_table("eth0"), &["left-over sriov old:net3"]);
    assert!(!listing("/var/lib/fastpath/leases/c").contains(&"10.6.0.2".to_owned()));
    assert_eq!(listing(integration::RECORDS), ["0000:01:10.2@new:net1.json"]);
    sriov.del(&conf("b", "0000:01:10.2"), "new", "net1", pod.path()).expect_ok();
    assert_eq!(vf_table("eth0"), before);
    assert!(listing(integration::RECORDS).is_empty());
}
