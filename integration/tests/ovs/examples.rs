//! Every file of conf-examples works, through the operator's tool.

use std::fs;

use integration::{examples, listing, run};
use serde_json::json;
use testkit::netns::Netns;
use testkit::testpmd::{Options, Testpmd};

use crate::bed::{BRIDGE, USER, VLANS, ovs};
use crate::pod::{port_of, state};

/// Debian's plugins.
const DEBIAN: &str = "/usr/lib/cni";

#[test]
fn every_example_attaches_and_detaches() {
    let ovs = ovs();
    let leases = || {
        listing("/var/lib/cni/networks/server").into_iter().filter(|name| name.starts_with("10."))
    };
    let state = || format!("{}{:?}", state(&ovs), leases().collect::<Vec<_>>());
    for file in examples::files("vhostuser") {
        examples::works("eth0", &file, DEBIAN, state);
    }
    // Debian's plugin leaves the bridge of the default network.
    run("ip", &["link", "del", "cni0"]);
}

/// The thesis' pod: `fastpath attach` attaches it by multus-lite and says what its program is started with.
#[test]
fn the_pod_of_the_thesis_forwards() {
    let (ovs, pod) = (ovs(), Netns::new());
    let before = state(&ovs);
    let outer = VLANS.map(|vlan| ovs.add_outer(BRIDGE, Some(vlan)));
    let bin = testkit::cni::bin_dir();
    let fastpath = |args: &[&str]| {
        let path = format!("CNI_PATH={}:{DEBIAN}", bin.display());
        let fastpath = bin.join("fastpath").display().to_string();
        let mut command = host_command("env");
        let output = command.args([&path, &fastpath]).args(args).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let file = format!("eth0={}", examples::dir().join("vhostuser/thesis.conf").display());
    let on = ["--netns", pod.name(), "--id", "thesis"];
    let said = fastpath(&[&["attach"], &on[..], &[&file]].concat());
    let eal: Vec<String> = said
        .lines()
        .filter_map(|line| line.split_once("eal-args"))
        .map(|(_, args)| args.trim().to_owned())
        .collect();
    assert!(eal.len() == 2 && eal[0].starts_with("--vdev=virtio_user_net1,"), "{said}");
    fastpath(&["check", "--id", "thesis"]);
    let testpmd = Testpmd::start(&pod, &Options { eal, user: Some(USER), ..Options::default() });
    for ifname in ["net1", "net2"] {
        ovs.wait_link_up(&port_of(&ovs, "thesis", ifname));
    }
    assert_eq!(outer[0].ping(outer[1].address(), 1000), 1000);
    drop(testpmd);
    fastpath(&["detach", "--id", "thesis"]);
    drop(outer);
    run("ip", &["link", "del", "cni0"]);
    assert_eq!(state(&ovs), before);
}

#[expect(clippy::disallowed_methods, reason = "runs the tool as a user does")]
fn host_command(program: &str) -> std::process::Command {
    std::process::Command::new(program)
}

/// multus-lite publishes the socket as its pod's device information.
#[test]
fn a_delegate_describes_its_device() {
    let (ovs, pod) = (ovs(), Netns::new());
    let before = state(&ovs);
    let conf = json!({"cniVersion": "1.1.0", "name": "all", "type": "multus-lite",
        "delegates": [{"name": "one", "type": "vhostuser", "bridge": BRIDGE, "capabilities": {"CNIDeviceInfoFile": true}}]});
    let multus = testkit::cni::Plugin::new("multus-lite");
    multus.add(&conf, "a", "eth0", pod.path()).expect_ok();
    let dir = "/var/run/k8s.cni.cncf.io/devinfo/cni";
    let files = listing(dir);
    let info: serde_json::Value =
        serde_json::from_slice(&fs::read(format!("{dir}/{}", files[0])).unwrap()).unwrap();
    assert_eq!(
        (&info["type"], &info["vhost-user"]["mode"]),
        (&json!("vhost-user"), &json!("server"))
    );
    multus.del(&conf, "a", "eth0", pod.path()).expect_ok();
    assert!(listing(dir).is_empty());
    assert_eq!(state(&ovs), before);
}
