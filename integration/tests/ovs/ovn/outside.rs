//! The world outside of the overlay: a host, at a network that leads to both chassis.

use std::process::Output;

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::cni::bin_dir;
use testkit::netns::Netns;

use super::scene::Scene;

/// What the external interface of each chassis is called.
pub(super) const UPLINK: &str = "uplink";
/// The host's own address.
pub(super) const HOST: &str = "192.0.2.100";

/// A host outside, and the file that says how it is reached.
pub(super) struct Outside {
    pub(super) host: Netns,
    dir: TempDir,
}

impl Outside {
    /// Puts an external interface into each chassis; a bridge joins them and the host.
    pub(super) fn new(scene: &Scene) -> Self {
        let host = Netns::new();
        host.ip(&["link", "add", "lan", "type", "bridge"]);
        for (chassis, port) in scene.chassis.iter().zip(["to-a", "to-b"]) {
            let netns = chassis.netns();
            let peer = ["peer", "name", UPLINK, "netns", netns.name()];
            host.ip(&[&["link", "add", port, "type", "veth"], &peer[..]].concat());
            host.ip(&["link", "set", port, "master", "lan", "up"]);
            netns.ip(&["link", "set", UPLINK, "up"]);
        }
        host.ip(&["address", "add", &format!("{HOST}/24"), "dev", "lan"]);
        host.ip(&["link", "set", "lan", "up"]);
        // The kernel leaves checksums to the card, and a switch in userspace does not know of it.
        host.exec(&["ethtool", "-K", "lan", "tx", "off"]);
        Self { host, dir: tempfile::tempdir().unwrap() }
    }

    /// A file with these keys. JSON is YAML, too.
    pub(super) fn file(&self, scene: &Scene, keys: &Value) -> String {
        self.file_called("net.yaml", scene, keys)
    }

    /// The same, of that name.
    pub(super) fn file_called(&self, name: &str, scene: &Scene, keys: &Value) -> String {
        let external = json!({
            "name": "world", "nb": scene.ovn.address("nb"),
            "router": "cluster", "createRouter": true,
            "networks": [{"subnet": "10.10.0.0/24", "switch": "blue", "gateway": "10.10.0.1"}],
            "physicalNetwork": "physnet1", "bridge": "br-ext", "addresses": ["192.0.2.1/24"], "mode": "nat",
            "gateways": [gateway(scene, 0, None)],
        });
        self.write(name, &integration::with(&external, keys))
    }

    /// A file with just that.
    pub(super) fn write(&self, name: &str, external: &Value) -> String {
        let path = self.dir.path().join(name);
        std::fs::write(&path, external.to_string()).unwrap();
        path.display().to_string()
    }
}

/// An entry of `gateways`.
pub(super) fn gateway(scene: &Scene, chassis: usize, priority: Option<u16>) -> Value {
    let chassis = &scene.chassis[chassis];
    let mut gateway =
        json!({"chassis": chassis.name(), "interface": UPLINK, "ovsdb": chassis.ovsdb()});
    if let Some(priority) = priority {
        gateway["priority"] = json!(priority);
    }
    gateway
}

/// `fastpath ovn VERB --file FILE`: what it printed; panics when it fails.
pub(super) fn ovn(verb: &str, file: &str) -> String {
    let output = run(verb, file);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The same, which is to fail: why it does.
pub(super) fn ovn_fails(verb: &str, file: &str) -> String {
    let output = run(verb, file);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "runs what is tested")]
fn run(verb: &str, file: &str) -> Output {
    let mut command = std::process::Command::new(bin_dir().join("fastpath"));
    command.args(["ovn", verb, "--file", file]).output().unwrap()
}
