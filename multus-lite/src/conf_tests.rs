use std::path::Path;

use serde_json::json;

use super::*;

fn parse(keys: &Value) -> Result<Conf, ConfError> {
    let mut conf = json!({"cniVersion": "1.0.0", "name": "all", "type": "multus"});
    for (key, value) in keys.as_object().unwrap() {
        conf[key] = value.clone();
    }
    Conf::of(&NetConf::parse(conf.to_string().as_bytes()).unwrap())
}

fn delegates_of(keys: &Value) -> Vec<Delegate> {
    parse(keys).unwrap().delegates
}

fn text(error: &ConfError) -> String {
    cni::chain(error)
}

#[test]
fn the_masterplugin_comes_first_and_the_others_keep_their_order() {
    let delegates = delegates_of(&json!({"delegates": [
        {"type": "a"}, {"type": "b", "masterplugin": "true"}, {"type": "c", "masterplugin": false}]}));
    let types: Vec<_> = delegates.iter().map(|d| d.network["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["b", "a", "c"]);
    assert!(delegates.iter().all(|d| !d.network.contains_key("masterplugin")));
}

#[test]
fn without_masterplugin_the_first_delegate_is_the_default_network() {
    let delegates = delegates_of(&json!({"delegates": [{"type": "a"}, {"type": "b"}]}));
    assert_eq!(delegates[0].network["type"], "a");
}

#[test]
fn two_masterplugins_are_refused() {
    let two = json!({"delegates": [{"type": "a", "masterplugin": true}, {"type": "b", "masterplugin": true}]});
    assert!(matches!(parse(&two), Err(ConfError::TwoMasters)));
}

#[test]
fn a_delegate_names_its_interface_by_either_key() {
    let delegates = delegates_of(&json!({"delegates": [
        {"type": "a"}, {"type": "b", "if0name": "if0"}, {"type": "c", "interface": "data0"}]}));
    let names: Vec<_> = delegates.iter().map(|d| d.ifname.as_ref().map(IfName::as_str)).collect();
    assert_eq!(names, [None, Some("if0"), Some("data0")]);
    // The sriov plugin reads this one itself.
    assert_eq!(delegates[1].network["if0name"], "if0");
    assert_eq!(delegates[2].network.get("interface"), None);
    let error = parse(&json!({"delegates": [{"type": "a", "interface": "a/b"}]})).unwrap_err();
    assert!(text(&error).starts_with("delegate 0: interface: invalid CNI_IFNAME"), "{error:?}");
}

/// Multi-net-spec 7.1.
#[test]
fn npwg_25_a_delegate_without_name_and_version_gets_those_of_the_configuration() {
    let delegates = delegates_of(&json!({"delegates": [
        {"type": "a"}, {"name": "own", "CNIVersion": "0.3.1", "plugins": [{"type": "b"}]},
        {"name": "", "cniVersions": ["0.4.0"], "type": "c"}]}));
    assert_eq!(
        (&delegates[0].network["name"], &delegates[0].network["cniVersion"]),
        (&json!("all"), &json!("1.0.0"))
    );
    assert_eq!(
        (&delegates[1].network["name"], delegates[1].network.get("cniVersion")),
        (&json!("own"), None)
    );
    assert_eq!(
        (&delegates[2].network["name"], delegates[2].network.get("cniVersion")),
        (&json!("all"), None)
    );
}

#[test]
fn defaults_are_those_of_multus() {
    let conf = parse(&json!({"clusterNetwork": "flannel"})).unwrap();
    assert_eq!(conf.system_namespaces, ["kube-system"]);
    assert_eq!(conf.multus_namespace, "kube-system");
    assert_eq!(conf.conf_dir, Path::new("/etc/cni/multus/net.d"));
    assert_eq!(conf.cni_dir, Path::new("/var/lib/cni/multus"));
    assert_eq!(conf.global_namespaces, ["default"]);
    assert!(!conf.namespace_isolation && conf.kubeconfig.is_none() && conf.bin_dir.is_none());
}

/// What Multus' own installer writes works unchanged.
#[test]
fn a_configuration_of_multus_is_read_without_warnings_about_unknown_keys() {
    let conf = parse(&json!({
        "capabilities": {"portMappings": true, "bandwidth": true},
        "kubeconfig": "/etc/cni/net.d/multus.d/multus.kubeconfig", "confDir": "", "binDir": "/opt/cni/bin",
        "namespaceIsolation": "true", "globalNamespaces": "default, shared,",
        "readinessindicatorfile": "/run/flannel/subnet.env", "logLevel": "verbose",
        "logFile": "/var/log/multus.log", "logToStderr": false, "logOptions": {"maxAge": 5},
        "retryDeleteOnError": true, "systemNamespaces": [], "multusNamespace": "multus",
        "defaultNetworks": ["sidecar"], "ClusterNetwork": "/etc/cni/net.d/10-flannel.conflist",
        "delegates": [{"type": "flannel"}],
    })).unwrap();
    assert!(conf.namespace_isolation && conf.delegates.is_empty());
    assert_eq!(conf.global_namespaces, ["default", "shared"]);
    assert_eq!(conf.cluster_network.as_deref(), Some("/etc/cni/net.d/10-flannel.conflist"));
    assert_eq!(conf.conf_dir, Path::new("/etc/cni/multus/net.d"));
    assert_eq!(
        conf.search_path(&["/usr/lib/cni".into()]),
        ["/opt/cni/bin", "/usr/lib/cni"].map(PathBuf::from)
    );
    assert!(conf.system_namespaces.is_empty());
    assert!(
        conf.warnings.iter().all(|warning| !warning.contains("not known")),
        "{:?}",
        conf.warnings
    );
    assert_eq!(conf.warnings.len(), 4);
}

#[test]
fn mistakes_are_named() {
    for (keys, says) in [
        (json!({}), "no default network"),
        (json!({"delegates": []}), "no default network"),
        (json!({"delegates": {"type": "a"}}), "delegates"),
        (json!({"delegates": ["a"]}), "delegates"),
        (json!({"clusterNetwork": ["a"]}), "clusterNetwork"),
        (json!({"clusterNetwork": "a", "namespaceIsolation": "yes"}), "namespaceIsolation"),
        (json!({"delegates": [{"type": "a", "masterplugin": 1}]}), "delegate 0: masterplugin"),
    ] {
        let error = parse(&keys).unwrap_err();
        assert!(text(&error).contains(says), "{keys}: {}", text(&error));
    }
    let warned =
        parse(&json!({"clusterNetwork": "a", "defaultNetwork": ["typo"]})).unwrap().warnings;
    assert_eq!(warned, ["key \"defaultNetwork\" is not known"]);
}
