//! Duties of a runtime under CNI 1.1 that `tests` does not show already.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use super::tests::{Host, list};
use super::*;
use crate::{AddResult, Args, Error, Version, code};

fn load(value: &Value) -> NetworkList {
    NetworkList::load(value.to_string().as_bytes()).unwrap()
}

/// Replaces the fake plugin `name`.
fn install(host: &Host, name: &str, script: &str) {
    host.write(name, &format!("#!/bin/sh\ncd \"$(dirname \"$0\")\"\n{script}\n"));
    let file = host.path()[0].join(name);
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn cni11_plugins_are_called_with_the_highest_version_and_without_the_choice() {
    let host = Host::new();
    let versions = json!(["0.4.0", "1.0.0", "1.1.0", "2.0.0"]);
    let plugin = json!({"type": "first", "cniVersion": "0.4.0", "cniVersions": ["0.4.0"]});
    let list = load(&json!({"name": "net", "cniVersions": versions, "plugins": [plugin]}));
    add(&list, &host.call("eth0")).unwrap();
    assert_eq!(
        host.stdin("first.ADD"),
        json!({"cniVersion": "1.1.0", "name": "net", "type": "first"})
    );
}

#[test]
fn cni11_prev_result_has_the_version_of_the_configuration() {
    let host = Host::new();
    let old = r#"{"cniVersion":"0.4.0","ips":[{"version":"4","address":"10.0.0.5/24"}]}"#;
    install(&host, "first", &format!("cat >first.$CNI_COMMAND; echo '{old}'"));
    let converted = json!({"cniVersion": "1.1.0", "ips": [{"address": "10.0.0.5/24"}]});
    let (list, call) = (list("1.1.0"), host.call("eth0"));
    add(&list, &call).unwrap();
    assert_eq!(host.stdin("last.ADD")["prevResult"], converted);
    let result = AddResult::from_json(&converted, Version::V1_1_0).unwrap();
    del(&list, &call, Some(&result)).unwrap();
    assert_eq!(host.stdin("first.DEL")["prevResult"], converted);
}

#[test]
fn cni11_plugins_get_the_arguments_as_they_are() {
    let host = Host::new();
    install(&host, "first", "printf %s \"$CNI_ARGS\" >args; echo '{}'");
    let mut call = host.call("eth0");
    let args = "IgnoreUnknown=1;K8S_POD_NAME=p;B64=aGk==;EMPTY=;A=1;A=2";
    call.args = Args::parse(args).unwrap();
    add(&load(&json!({"name": "net", "type": "first"})), &call).unwrap();
    assert_eq!(fs::read_to_string(host.path()[0].join("args")).unwrap(), args);
}

#[test]
fn cni11_capabilities_are_stripped_and_only_those_declared_true_are_given() {
    let host = Host::new();
    let capabilities = json!({"mac": true, "deviceID": false, "ips": true});
    let list = load(&json!({"name": "net", "type": "first", "capabilities": capabilities}));
    add(&list, &host.call("eth0")).unwrap();
    let stdin = host.stdin("first.ADD");
    assert_eq!(stdin["runtimeConfig"], json!({"mac": "02:00:00:00:00:01"}));
    assert_eq!(stdin.get("capabilities"), None);
}

#[test]
fn cni11_disabled_check_and_gc_call_no_plugin() {
    let host = Host::new();
    let list = load(&json!({
        "cniVersion": "1.1.0", "name": "net", "disableCheck": "true", "disableGC": "True",
        "plugins": [{"type": "first"}],
    }));
    host.cache().add(&list, &host.call("eth0")).unwrap();
    host.calls();
    let entry = host.cache().entries().unwrap().remove(0);
    host.cache().check(&entry, &host.path()).unwrap();
    let (collected, outcome) = host.cache().gc(&list, |_| false, &host.path());
    assert_eq!((collected.len(), outcome), (0, Ok(())));
    assert_eq!(host.calls(), "");
}

#[test]
fn cni11_gc_goes_on_after_a_failed_delete_and_collects_the_errors() {
    let host = Host::new();
    let list = list("1.1.0");
    for ifname in ["eth0", "eth1"] {
        host.cache().add(&list, &host.call(ifname)).unwrap();
    }
    host.write("last.fails.DEL", "");
    host.write("first.fails.GC", "");
    host.calls();
    let (collected, outcome) = host.cache().gc(&list, |_| false, &host.path());
    let Error { code, details, .. } = outcome.unwrap_err();
    assert_eq!((collected.len(), code), (0, 102));
    assert_eq!(details.matches("from DEL of plugin \"last\"").count(), 2);
    assert!(details.contains("from GC of plugin \"first\""), "{details}");
    assert_eq!(host.calls(), "last DEL, last DEL, first GC, last GC");
}

#[test]
fn cni11_status_asks_every_plugin_and_keeps_the_code() {
    let host = Host::new();
    let limited = r#"{"code":51,"msg":"half down"}"#;
    install(&host, "first", &format!("echo first >>log; echo '{limited}'; exit 1"));
    let error = status(&list("1.1.0"), &host.path()).unwrap_err();
    assert_eq!((error.code, error.msg.as_str()), (code::LIMITED, "half down"));
    assert_eq!(host.calls(), "first, last STATUS");
}

#[test]
fn cni11_a_plugin_that_hangs_is_given_up_by_the_timeout_of_the_network() {
    let host = Host::new();
    install(&host, "last", "echo last $CNI_COMMAND >>log; exec sleep 60");
    let mut list = list("1.1.0");
    list.timeout = std::time::Duration::from_millis(200);
    let error = add(&list, &host.call("eth0")).unwrap_err();
    assert_eq!(error.code, code::TRY_AGAIN);
    assert!(error.msg.contains("last") && error.msg.contains("ADD"), "{error}");
    assert!(error.details.contains("did not finish DEL"), "{error}");
    assert_eq!(host.calls(), "first ADD, last ADD, last DEL, first DEL");
    assert_eq!(gc(&list, &[], &host.path()).unwrap_err().code, code::TRY_AGAIN);
    assert_eq!(status(&list, &host.path()).unwrap_err().code, code::TRY_AGAIN);
}
