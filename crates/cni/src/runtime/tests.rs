use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use base64::Engine as _;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::*;
use crate::{AttachmentId, Error, Version, code};

/// A plugin directory and a cache; fakes note `<name> <verb>` in `log` and stdin in `<name>.<verb>`.
pub(super) struct Host {
    dir: TempDir,
}

const FAKE: &str = r#"#!/bin/sh
cd "$(dirname "$0")"
name=$(basename "$0")
cat >"$name.$CNI_COMMAND"
echo "$name $CNI_COMMAND" >>log
if [ -e "$name.fails.$CNI_COMMAND" ]; then echo '{"code":102,"msg":"'$name' failed"}'; exit 1; fi
if [ "$CNI_COMMAND" = ADD ]; then
  if [ "$name" = last ]; then cat last.result; else echo '{"interfaces":[{"name":"'$name'"}]}'; fi
fi
"#;

impl Host {
    pub(super) fn new() -> Self {
        let host = Self { dir: TempDir::new().unwrap() };
        for name in ["first", "last"] {
            let file = host.dir.path().join(name);
            fs::write(&file, FAKE).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        host.write("last.result", r#"{"interfaces":[{"name":"eth0","mtu":9000}]}"#);
        host
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        fs::write(self.dir.path().join(name), text).unwrap();
    }

    /// The calls since the last time, space separated.
    pub(super) fn calls(&self) -> String {
        let log = fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
        self.write("log", "");
        log.trim_end().replace('\n', ", ")
    }

    pub(super) fn stdin(&self, call: &str) -> Value {
        serde_json::from_slice(&fs::read(self.dir.path().join(call)).unwrap()).unwrap()
    }

    pub(super) fn path(&self) -> Vec<PathBuf> {
        vec![self.dir.path().to_owned()]
    }

    pub(super) fn cache(&self) -> Cache {
        Cache::new(&self.dir.path().join("cache"))
    }

    fn cached(&self, name: &str) -> PathBuf {
        self.dir.path().join("cache/results").join(name)
    }

    pub(super) fn call(&self, ifname: &str) -> RuntimeCall {
        RuntimeCall {
            container_id: "c1".parse().unwrap(),
            ifname: ifname.parse().unwrap(),
            netns: Some("/run/netns/a".into()),
            args: crate::Args::parse("A=1;B=x=y").unwrap(),
            capability_args: capability_args(),
            path: self.path(),
        }
    }
}

fn capability_args() -> Map<String, Value> {
    let args = json!({"mac": "02:00:00:00:00:01", "deviceID": "0000:af:06.0"});
    args.as_object().unwrap().clone()
}

pub(super) fn list(version: &str) -> NetworkList {
    let list = json!({
        "cniVersion": version,
        "name": "net",
        "plugins": [
            {"type": "first", "name": "other", "CNIVERSION": "0.1.0", "capabilities": {"mac": true}},
            {"type": "last", "keep": {"Me": 1}, "runtimeConfig": {"mine": 1}, "cni.dev/x": 1},
        ],
    });
    NetworkList::load(list.to_string().as_bytes()).unwrap()
}

fn loads(text: &str) -> Result<NetworkList, Error> {
    NetworkList::load(text.as_bytes())
}

#[test]
fn a_single_configuration_is_a_list_of_one() {
    let list = loads(r#"{"cniVersion":"1.0.0","name":"n","type":"sriov"}"#).unwrap();
    assert_eq!((list.name.as_str(), list.cni_version), ("n", Version::V1_0_0));
    assert_eq!(list.plugins.len(), 1);
    assert_eq!(list.plugins[0].plugin_type, "sriov");
}

#[test]
fn the_highest_known_version_is_picked() {
    for (versions, version) in [
        (r#""cniVersions":["0.4.0","1.0.0","9.0.0"]"#, Version::V1_0_0),
        (r#""cniVersion":"1.1.0","cniVersions":["0.4.0"]"#, Version::V1_1_0),
        (r#""cniVersion":"9.0.0","cniVersions":["0.4.0"]"#, Version::V0_4_0),
        (r#""cniVersion":"""#, Version::V0_1_0),
    ] {
        let list = loads(&format!(r#"{{{versions},"name":"n","type":"t"}}"#)).unwrap();
        assert_eq!(list.cni_version, version, "{versions}");
    }
    let error = loads(r#"{"cniVersion":"9.0.0","name":"n","type":"t"}"#).unwrap_err();
    assert_eq!(error.code, code::INCOMPATIBLE_VERSION);
}

#[test]
fn flags_may_be_strings() {
    for (value, flag) in [("true", true), ("\"true\"", true), ("\"false\"", false), ("null", false)]
    {
        let text =
            format!(r#"{{"name":"n","type":"t","disableCheck":{value},"disableGC":{value}}}"#);
        let list = loads(&text).unwrap();
        assert_eq!((list.disable_check, list.disable_gc), (flag, flag), "{value}");
    }
    assert_eq!(loads(r#"{"name":"n","type":"t","disableGC":1}"#).unwrap_err().code, code::DECODE);
}

#[test]
fn broken_lists_are_refused() {
    for (text, code) in [
        ("", code::DECODE),
        (r#"{"name":"n","plugins":{}}"#, code::DECODE),
        (r#"{"name":"n","plugins":[]}"#, code::CONFIG),
        (r#"{"name":"n","plugins":[{}]}"#, code::CONFIG),
        (r#"{"name":"n","plugins":[{"type":"../x"}]}"#, code::CONFIG),
        (r#"{"name":"a/b","type":"t"}"#, code::CONFIG),
        (r#"{"name":"n"}"#, code::CONFIG),
    ] {
        assert_eq!(loads(text).unwrap_err().code, code, "{text}");
    }
}

#[test]
fn add_runs_the_plugins_in_order_and_hands_the_result_on() {
    let host = Host::new();
    let result = add(&list("1.1.0"), &host.call("eth0")).unwrap();
    assert_eq!(result.interfaces[0].mtu, Some(9000));
    assert_eq!(host.calls(), "first ADD, last ADD");
    let first = host.stdin("first.ADD");
    assert_eq!(
        first,
        json!({"cniVersion": "1.1.0", "name": "net", "type": "first",
               "runtimeConfig": {"mac": "02:00:00:00:00:01"}})
    );
    let last = host.stdin("last.ADD");
    assert_eq!(
        last,
        json!({"cniVersion": "1.1.0", "name": "net", "type": "last", "keep": {"Me": 1},
               "prevResult": {"cniVersion": "1.1.0", "interfaces": [{"name": "first"}]}})
    );
}

#[test]
fn a_failed_add_deletes_everything_in_reverse_order() {
    let host = Host::new();
    host.write("last.fails.ADD", "");
    host.write("last.fails.DEL", "");
    let error = add(&list("1.1.0"), &host.call("eth0")).unwrap_err();
    assert_eq!((error.code, error.msg.as_str()), (102, "last failed"));
    assert_eq!(host.calls(), "first ADD, last ADD, last DEL, first DEL");
    assert_eq!(host.stdin("first.DEL")["prevResult"]["interfaces"], json!([{"name": "first"}]));
}

#[test]
fn plugins_not_reached_are_deleted_too() {
    let host = Host::new();
    host.write("first.fails.ADD", "");
    add(&list("1.1.0"), &host.call("eth0")).unwrap_err();
    assert_eq!(host.calls(), "first ADD, last DEL, first DEL");
}

#[test]
fn no_plugin_runs_when_one_is_not_installed() {
    let host = Host::new();
    fs::remove_file(host.dir.path().join("last")).unwrap();
    let (list, call) = (list("1.1.0"), host.call("eth0"));
    for added in [add(&list, &call), host.cache().add(&list, &call)] {
        assert_eq!(added.unwrap_err().msg, "plugin \"last\" not found");
    }
    assert_eq!(host.calls(), "");
    assert!(host.cache().entries().unwrap().is_empty());
}

#[test]
fn check_del_gc_and_status_have_their_order_and_input() {
    let host = Host::new();
    let (list, call) = (list("1.1.0"), host.call("eth0"));
    let result = add(&list, &call).unwrap();
    host.calls();
    check(&list, &call, &result).unwrap();
    assert_eq!(host.calls(), "first CHECK, last CHECK");
    assert_eq!(host.stdin("first.CHECK")["prevResult"]["interfaces"][0]["name"], "eth0");
    del(&list, &call, Some(&result)).unwrap();
    assert_eq!(host.calls(), "last DEL, first DEL");
    assert_eq!(host.stdin("last.DEL")["prevResult"]["interfaces"][0]["name"], "eth0");
    status(&list, &call.path).unwrap();
    assert_eq!(host.calls(), "first STATUS, last STATUS");
    let valid = [AttachmentId { container_id: "c1".to_owned(), ifname: "eth0".to_owned() }];
    gc(&list, &valid, &call.path).unwrap();
    assert_eq!(host.calls(), "first GC, last GC");
    for key in ["cni.dev/valid-attachments", "cni.dev/attachments"] {
        assert_eq!(host.stdin("last.GC")[key], json!([{"containerID": "c1", "ifname": "eth0"}]));
    }
}

#[test]
fn gc_goes_on_after_a_failure_and_reports_all() {
    let host = Host::new();
    host.write("first.fails.GC", "");
    host.write("last.fails.GC", "");
    let error = gc(&list("1.1.0"), &[], &host.path()).unwrap_err();
    assert!(error.details.contains("first failed") && error.details.contains("last failed"));
    assert_eq!((error.code, host.calls().as_str()), (102, "first GC, last GC"));
}

#[test]
fn del_stops_at_the_first_failure() {
    let host = Host::new();
    host.write("last.fails.DEL", "");
    assert_eq!(del(&list("1.1.0"), &host.call("eth0"), None).unwrap_err().code, 102);
    assert_eq!(host.calls(), "last DEL");
}

#[test]
fn verbs_follow_the_version_and_the_flags_of_the_network() {
    let host = Host::new();
    let call = host.call("eth0");
    let old = list("0.3.1");
    let result = add(&old, &call).unwrap();
    del(&old, &call, Some(&result)).unwrap();
    assert_eq!(host.stdin("last.DEL").get("prevResult"), None);
    assert_eq!(check(&old, &call, &result).unwrap_err().code, code::INCOMPATIBLE_VERSION);
    host.calls();
    let mut flagged = list("1.1.0");
    (flagged.disable_check, flagged.disable_gc) = (true, true);
    check(&flagged, &call, &result).unwrap();
    gc(&flagged, &[], &call.path).unwrap();
    gc(&old, &[], &call.path).unwrap();
    status(&old, &call.path).unwrap();
    assert_eq!(host.calls(), "");
}

/// Compatibility trap 11: other runtimes and tools read these files.
#[test]
fn trap_the_cache_has_the_layout_of_the_go_library() {
    let host = Host::new();
    let list = list("1.0.0");
    host.cache().add(&list, &host.call("eth0")).unwrap();
    let text = fs::read_to_string(host.cached("net-c1-eth0")).unwrap();
    let mut value: Value = serde_json::from_str(&text).unwrap();
    let config = value["config"].take();
    let config = base64::engine::general_purpose::STANDARD.decode(config.as_str().unwrap());
    assert_eq!(config.unwrap(), list.raw());
    assert_eq!(
        value,
        json!({
            "kind": "cniCacheV1", "containerId": "c1", "config": null, "ifName": "eth0",
            "networkName": "net", "netns": "/run/netns/a", "cniArgs": [["A", "1"], ["B", "x=y"]],
            "capabilityArgs": capability_args(),
            "result": {"cniVersion": "1.0.0", "interfaces": [{"name": "eth0"}]},
        })
    );
    let mode = fs::metadata(host.cached("net-c1-eth0")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn detaching_uses_the_configuration_and_result_of_the_attachment() {
    let host = Host::new();
    host.cache().add(&list("1.1.0"), &host.call("eth0")).unwrap();
    host.calls();
    let entry = host.cache().entries().unwrap().remove(0);
    host.cache().del(&entry, &host.path()).unwrap();
    assert_eq!(host.calls(), "last DEL, first DEL");
    let stdin = host.stdin("first.DEL");
    assert_eq!(stdin["prevResult"]["interfaces"][0]["mtu"], 9000);
    assert_eq!(stdin["runtimeConfig"], json!({"mac": "02:00:00:00:00:01"}));
    assert!(host.cache().entries().unwrap().is_empty());
}

#[test]
fn a_failed_detach_stays_cached() {
    let host = Host::new();
    host.cache().add(&list("1.1.0"), &host.call("eth0")).unwrap();
    host.write("first.fails.DEL", "");
    let entry = host.cache().entries().unwrap().remove(0);
    host.cache().del(&entry, &host.path()).unwrap_err();
    assert_eq!(host.cache().entries().unwrap().len(), 1);
}

#[test]
fn a_second_attachment_of_the_same_name_touches_nothing() {
    let host = Host::new();
    host.cache().add(&list("1.1.0"), &host.call("eth0")).unwrap();
    host.calls();
    let error = host.cache().add(&list("1.1.0"), &host.call("eth0")).unwrap_err();
    assert!(error.code == code::CONFIG && error.msg.contains("eth0"), "{error}");
    assert_eq!(host.calls(), "");
}

#[test]
fn what_cannot_be_cached_is_not_attached() {
    let host = Host::new();
    let blocked = host.cached("net-c1-eth0");
    fs::create_dir_all(blocked.join("x")).unwrap();
    assert_eq!(host.cache().add(&list("1.1.0"), &host.call("eth0")).unwrap_err().code, code::IO);
    assert_eq!(host.calls(), "");
}

#[test]
fn an_attachment_is_cached_before_its_first_plugin_runs() {
    let host = Host::new();
    host.write("first", &FAKE.replace("cat >", "cp cache/results/net-c1-eth0 seen; cat >"));
    host.cache().add(&list("1.1.0"), &host.call("eth0")).unwrap();
    let seen = host.stdin("seen");
    assert_eq!((&seen["ifName"], seen.get("result")), (&json!("eth0"), None));
}

#[test]
fn a_failed_attachment_stays_cached_only_when_it_could_not_be_undone() {
    let host = Host::new();
    host.write("last.fails.ADD", "");
    host.cache().add(&list("1.1.0"), &host.call("eth0")).unwrap_err();
    assert!(host.cache().entries().unwrap().is_empty());
    host.write("first.fails.DEL", "");
    let error = host.cache().add(&list("1.1.0"), &host.call("eth0")).unwrap_err();
    assert_eq!(error.msg, "last failed");
    assert!(error.details.contains("first failed"), "{error}");
    let entries = host.cache().entries().unwrap();
    assert_eq!((entries.len(), &entries[0].result), (1, &None));
}

#[test]
fn entries_come_in_the_order_they_were_made_without_strange_files() {
    let host = Host::new();
    for ifname in ["z", "b", "a"] {
        host.cache().add(&list("1.1.0"), &host.call(ifname)).unwrap();
    }
    fs::write(host.cached("net-old-eth0"), r#"{"ip4":{"ip":"10.0.0.5/24"}}"#).unwrap();
    fs::write(host.cached("junk"), "junk").unwrap();
    let names: Vec<_> =
        host.cache().entries().unwrap().iter().map(|entry| entry.ifname.to_string()).collect();
    assert_eq!(names, ["z", "b", "a"]);
}

#[test]
fn gc_detaches_what_is_not_valid_and_tells_the_plugins_the_rest() {
    let host = Host::new();
    let list = list("1.1.0");
    for ifname in ["eth0", "eth1"] {
        host.cache().add(&list, &host.call(ifname)).unwrap();
    }
    host.calls();
    let (collected, outcome) =
        host.cache().gc(&list, |entry| entry.ifname.as_str() == "eth1", &host.path());
    outcome.unwrap();
    assert_eq!(collected.len(), 1);
    assert_eq!(collected[0].ifname, "eth0");
    assert_eq!(host.calls(), "last DEL, first DEL, first GC, last GC");
    let valid = &host.stdin("first.GC")["cni.dev/valid-attachments"];
    assert_eq!(*valid, json!([{"containerID": "c1", "ifname": "eth1"}]));
}
