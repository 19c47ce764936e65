//! Every file of conf-examples works, through the operator's tool.

use std::fs;
use std::path::Path;

use integration::{examples, with};
use serde_json::json;

use crate::bed::{multus_state, sriov};

/// Where multus-lite is called `multus`.
const OTHER_NAME: &str = "/run/multus-bin";

fn works(ifname: &str, file: &Path) {
    examples::works(ifname, file, &format!("/usr/lib/cni:{OTHER_NAME}"), multus_state);
}

#[test]
fn every_example_attaches_and_detaches() {
    sriov();
    for file in examples::files("sriov") {
        works("net1", &file);
    }
}

#[test]
fn every_example_of_multus_attaches_and_detaches() {
    sriov();
    // What the one for Kubernetes finds on its node. The tool names no pod, so nobody is asked for one.
    fs::create_dir_all("/run/flannel").unwrap();
    fs::write("/run/flannel/subnet.env", "").unwrap();
    fs::create_dir_all("/etc/cni/net.d").unwrap();
    let flannel = r#"{"cniVersion": "1.0.0", "name": "cbr0", "plugins": [
        {"type": "bridge", "ipam": {"type": "host-local", "subnet": "10.244.0.0/24"}}]}"#;
    fs::write("/etc/cni/net.d/10-flannel.conflist", flannel).unwrap();
    for file in examples::files("multus-lite") {
        works("eth0", &file);
    }
}

#[test]
fn the_example_of_the_thesis_works_with_the_type_multus() {
    sriov();
    fs::create_dir_all(OTHER_NAME).unwrap();
    fs::copy(testkit::cni::bin_dir().join("multus-lite"), format!("{OTHER_NAME}/multus")).unwrap();
    let conf = with(&examples::read("multus-lite/thesis.conf"), &json!({"type": "multus"}));
    fs::write("/run/multus.conf", conf.to_string()).unwrap();
    works("eth0", Path::new("/run/multus.conf"));
}
