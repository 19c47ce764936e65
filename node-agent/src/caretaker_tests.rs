//! The caretaker with records of its own making, and plugins of a few lines.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use hostnet::{Netns, NetnsId};
use journal::{Durability, Entry, Journal, Record};
use serde_json::{Value, json};
use tempfile::TempDir;

use testkit::wait::eventually;

use super::*;

/// Removes its record, as a DEL that succeeds; that of multus-lite those of its delegates as well.
const PLUGIN: &str = r#"#!/bin/sh
type=${0##*/}
state=${0%/bin/*}/state
echo "$CNI_COMMAND $type $CNI_CONTAINERID:$CNI_IFNAME $CNI_NETNS" >> "${0%/bin/*}/calls"
[ ! -e "${0%/bin/*}/fail" ] || { echo '{"code": 11, "msg": "told to fail"}'; exit 1; }
rm -f "$state/$type/"*"@$CNI_CONTAINERID:$CNI_IFNAME.json"
[ "$type" != multus-lite ] || rm -f "$state"/*/*"@$CNI_CONTAINERID:"*.json
"#;

struct Bed {
    dir: TempDir,
    caretaker: Caretaker,
}

impl Bed {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir(at("bin")).unwrap();
        fs::write(at("calls"), "").unwrap();
        for plugin in PLUGINS {
            fs::write(at("bin").join(plugin), PLUGIN).unwrap();
            fs::set_permissions(at("bin").join(plugin), fs::Permissions::from_mode(0o755)).unwrap();
        }
        let (sys, state, run) = (at("sys"), at("state"), at("run"));
        let host = Host { sys, state, run, ..Host::real() };
        let means = Means {
            cni_path: vec![at("bin")],
            ovsdb: format!("unix:{}", at("db.sock").display()).parse().unwrap(),
            pod_resources: at("kubelet.sock"),
            grace: Duration::ZERO,
        };
        Self { caretaker: Caretaker::new(&host, means).unwrap(), dir }
    }

    fn journal(&self, plugin: &str) -> &Journal {
        &self.caretaker.books.iter().find(|book| book.plugin == plugin).unwrap().journal
    }

    /// A record as `plugin` writes it, in the namespace of the tests unless `keys` say another.
    fn record(&self, plugin: &str, ifname: &str, complete: bool, keys: &Value) -> Entry {
        let journal = self.journal(plugin);
        let mut detail = json!({"netns": Netns::current().unwrap().id().unwrap()});
        detail.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
        let owner = Owner { container_id: "pod".to_owned(), ifname: ifname.to_owned() };
        let conf = json!({"cniVersion": "1.0.0", "name": "net", "type": "alias"}).to_string();
        let mut record = Record::new(journal.boot_id(), "net", owner.clone(), conf, detail);
        record.complete = complete;
        let claim = keys["vf"].as_str().map_or_else(|| format!("claim-{ifname}"), str::to_owned);
        let claim = (plugin != META).then_some(claim);
        let entry = Entry { claim, owner };
        journal.write(&entry, &record, Durability::Volatile).unwrap();
        entry
    }

    fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.dir.path().join("calls")).unwrap();
        calls.lines().map(|line| line.trim().to_owned()).collect()
    }

    /// All files with what is in them.
    fn tree(&self) -> BTreeMap<String, Vec<u8>> {
        let mut tree = BTreeMap::new();
        let mut dirs = vec![self.dir.path().to_owned()];
        while let Some(dir) = dirs.pop() {
            for entry in fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                let content = fs::read(&path).unwrap_or_default();
                tree.insert(path.display().to_string(), content);
                dirs.extend(path.is_dir().then_some(path));
            }
        }
        tree
    }
}

/// A namespace that is gone.
fn gone() -> Value {
    let path = Path::new("/proc/4194305/ns/net").to_owned();
    json!({"netns": NetnsId { path, dev: 1, ino: 1 }})
}

fn told(pass: &Pass) -> Vec<(Kind, &str, &Outcome)> {
    pass.findings.iter().map(|f| (f.kind, f.object.as_str(), &f.outcome)).collect()
}

#[test]
fn what_is_left_over_is_detached_once_and_told_once() {
    let bed = Bed::new();
    bed.record("sriov", "net1", true, &gone());
    bed.record("vhostuser", "net2", false, &json!({}));
    bed.record("sriov", "net3", true, &json!({}));
    let before = bed.tree();
    let would = bed.caretaker.pass(true);
    assert_eq!(
        told(&would),
        [
            (Kind::LeftOver, "sriov pod:net1", &Outcome::Would),
            (Kind::LeftOver, "vhostuser pod:net2", &Outcome::Would)
        ]
    );
    assert_eq!(bed.tree(), before);
    let pass = bed.caretaker.pass(false);
    assert_eq!(
        told(&pass),
        [
            (Kind::LeftOver, "sriov pod:net1", &Outcome::Done),
            (Kind::LeftOver, "vhostuser pod:net2", &Outcome::Done)
        ]
    );
    // The namespace that lives is named, the other one is not.
    let lives = "/proc/thread-self/ns/net";
    assert_eq!(
        bed.calls(),
        ["DEL sriov pod:net1".to_owned(), format!("DEL vhostuser pod:net2 {lives}")]
    );
    let after = bed.tree();
    assert!(bed.caretaker.pass(false).findings.is_empty());
    assert_eq!(bed.tree(), after);
    assert_eq!(bed.journal("sriov").entries().unwrap().len(), 1);
}

#[test]
fn what_a_meta_plugin_had_made_goes_by_its_del() {
    let bed = Bed::new();
    let delegated = json!([{"ifname": "net1", "args": ""}]);
    bed.record(META, "eth0", true, &both(&gone(), &json!({"attachments": delegated})));
    bed.record("sriov", "net1", true, &gone());
    assert_eq!(told(&bed.caretaker.pass(true)).len(), 1);
    bed.caretaker.pass(false);
    assert_eq!(bed.calls(), ["DEL multus-lite pod:eth0"]);
    assert!(bed.journal("sriov").entries().unwrap().is_empty());
}

#[test]
fn who_is_at_work_is_not_helped() {
    let bed = Bed::new();
    let entry = bed.record("sriov", "net1", false, &json!({}));
    let locks = &bed.caretaker.books[1].locks;
    let working = locks.owner(&entry.owner, Duration::ZERO).unwrap();
    assert!(bed.caretaker.pass(false).findings.is_empty());
    drop(working);
    // A program that another test starts has the lock's file open until it runs.
    eventually(Duration::from_secs(10), "help", || bed.caretaker.pass(false).findings.len() == 1);
}

#[test]
fn what_cannot_be_put_right_is_told_every_time() {
    let bed = Bed::new();
    bed.record("sriov", "net1", true, &gone());
    let damaged = bed.record("vhostuser", "net2", true, &gone());
    let file = format!("state/vhostuser/claim-net2@{}.json", damaged.owner);
    fs::write(bed.dir.path().join(file), "").unwrap();
    fs::write(bed.dir.path().join("fail"), "").unwrap();
    for _ in 0..2 {
        let pass = bed.caretaker.pass(false);
        assert!(!pass.is_clean());
        let why: Vec<_> = pass.findings.iter().map(|finding| &finding.outcome).collect();
        assert!(matches!(why[0], Outcome::Failed(why) if why.contains("told to fail")), "{why:?}");
        assert!(matches!(why[1], Outcome::Failed(why) if why.contains("damaged")), "{why:?}");
    }
    assert_eq!(bed.calls(), ["DEL sriov pod:net1"; 2]);
}

#[test]
fn a_record_that_was_being_written_goes() {
    let bed = Bed::new();
    let entry = bed.record("sriov", "net1", true, &json!({}));
    let file = bed.dir.path().join(format!("state/sriov/.{}.tmp", entry.owner));
    fs::write(&file, "{").unwrap();
    assert_eq!(
        told(&bed.caretaker.pass(false)),
        [(Kind::Temporary, "sriov pod:net1", &Outcome::Done)]
    );
    assert!(!file.exists());
}

#[test]
fn a_port_whose_switch_is_silent_is_told() {
    let bed = Bed::new();
    let port = json!({
        "bridge": "br0", "create_bridge": false, "name": "vh0", "kind": "VhostUser",
        "vlans": {"tag": null, "trunks": []}, "mtu": null, "from_port": null, "to_port": null,
        "mac": "02:00:00:00:00:01", "owner": {},
    });
    bed.record("vhostuser", "net1", true, &json!({"port": port, "ovsdb": "unix:/no/db.sock"}));
    let pass = bed.caretaker.pass(false);
    assert!(matches!(told(&pass)[..], [(Kind::Switch, "unix:/no/db.sock", Outcome::Failed(_))]));
}

#[test]
fn a_port_whose_switch_is_elsewhere_is_told_and_its_attachment_is_detached() {
    let bed = Bed::new();
    let port = json!({
        "bridge": "br-int", "create_bridge": false, "name": "ov0", "kind": "System",
        "vlans": {"tag": null, "trunks": []}, "mtu": null, "from_port": null, "to_port": null,
        "mac": "02:00:00:00:00:01", "iface_id": "ov0", "owner": {},
    });
    let keys = json!({"port": port, "ovsdb": "tcp:10.0.0.1:6640"});
    bed.record("ovn", "net1", true, &keys);
    bed.record("ovn", "net2", true, &both(&keys, &gone()));
    let pass = bed.caretaker.pass(false);
    assert_eq!(
        told(&pass),
        [
            (Kind::LeftOver, "ovn pod:net2", &Outcome::Done),
            (Kind::Switch, "tcp:10.0.0.1:6640", &Outcome::Left)
        ]
    );
    assert_eq!(bed.calls(), ["DEL ovn pod:net2"]);
}

#[test]
fn vfs_are_told_and_not_touched() {
    let bed = Bed::new();
    let devices = bed.dir.path().join("sys/bus/pci/devices");
    for (vf, driver) in
        [("0000:01:10.0", "igbvf"), ("0000:01:10.2", "igbvf"), ("0000:01:10.4", "vfio-pci")]
    {
        let dir = devices.join(vf);
        fs::create_dir_all(&dir).unwrap();
        for (file, text) in [("class", "0x020000"), ("vendor", "0x8086"), ("device", "0x10ca")] {
            fs::write(dir.join(file), text).unwrap();
        }
        symlink("../0000:01:00.0", dir.join("physfn")).unwrap();
        symlink(format!("../../drivers/{driver}"), dir.join("driver")).unwrap();
    }
    bed.record("sriov", "net1", true, &json!({"vf": "0000:01:10.2"}));
    bed.record("sriov", "net2", true, &json!({"vf": "0000:01:10.6"}));
    let before = bed.tree();
    let pass = bed.caretaker.pass(false);
    assert_eq!(
        told(&pass),
        [
            (Kind::LostVf, "sriov pod:net2", &Outcome::Left),
            (Kind::ForeignVf, "VF 0000:01:10.0", &Outcome::Left)
        ]
    );
    assert!(pass.is_clean());
    assert_eq!(bed.tree(), before);
}

fn both(one: &Value, other: &Value) -> Value {
    let mut all = one.clone();
    all.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
    all
}
