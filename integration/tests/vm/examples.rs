//! Every file of conf-examples works, through the operator's tool.

use std::fs;
use std::path::{Path, PathBuf};

use integration::{listing, run, with};
use serde_json::json;
use testkit::netns::Netns;

use crate::bed::{example, examples, multus_state, sriov};

/// Where multus-lite is called `multus`.
const OTHER_NAME: &str = "/run/multus-bin";

/// The configurations of a folder.
fn files(folder: &str) -> Vec<PathBuf> {
    let dir = examples().join(folder);
    let files = listing(&dir).into_iter().map(|name| dir.join(name));
    let is_conf = |file: &PathBuf| {
        file.extension().is_some_and(|extension| extension == "conf" || extension == "conflist")
    };
    let files: Vec<_> = files.filter(is_conf).collect();
    assert!(!files.is_empty(), "no examples in {}", dir.display());
    files
}

/// Attaches one pod and detaches it; everything is as before, and there was something meanwhile.
fn works(ifname: &str, file: &Path) {
    let bin = testkit::cni::bin_dir();
    let fastpath = bin.join("fastpath").display().to_string();
    let path = format!("CNI_PATH={}:/usr/lib/cni:{OTHER_NAME}", bin.display());
    let (pod, before) = (Netns::new(), multus_state());
    let call = |verb: &str, args: &[&str]| {
        let on = [&path, &fastpath, verb, "--netns", pod.name(), "--id", "example"];
        run("env", &[&on, args].concat());
    };
    call("attach", &[&format!("{ifname}={}", file.display())]);
    assert_ne!(multus_state(), before, "{}", file.display());
    // CHECK came with 0.4.0; the thesis' configurations carry no version.
    if fs::read_to_string(file).unwrap().contains("cniVersion") {
        call("check", &[]);
    }
    call("detach", &[]);
    assert_eq!(multus_state(), before, "{}", file.display());
}

#[test]
fn every_example_attaches_and_detaches() {
    sriov();
    for file in files("sriov") {
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
    for file in files("multus-lite") {
        works("eth0", &file);
    }
}

#[test]
fn the_example_of_the_thesis_works_with_the_type_multus() {
    sriov();
    fs::create_dir_all(OTHER_NAME).unwrap();
    fs::copy(testkit::cni::bin_dir().join("multus-lite"), format!("{OTHER_NAME}/multus")).unwrap();
    let conf = with(&example("multus-lite/thesis.conf"), &json!({"type": "multus"}));
    fs::write("/run/multus.conf", conf.to_string()).unwrap();
    works("eth0", Path::new("/run/multus.conf"));
}
