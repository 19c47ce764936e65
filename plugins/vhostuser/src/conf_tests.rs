//! Every key with good and bad values, in both dialects.

use handover::Account;

use super::*;

fn parse(keys: &str) -> Result<Conf, ConfError> {
    let json = format!(r#"{{"name":"n","type":"vhostuser",{keys}}}"#);
    Conf::of_network(&NetConf::parse(json.as_bytes()).unwrap())
}

fn good(keys: &str) -> Conf {
    parse(keys).unwrap_or_else(|error| panic!("{keys}: {error}"))
}

#[test]
fn a_bridge_is_all_that_is_needed() {
    let conf = good(r#""bridge":"br0""#);
    assert_eq!(conf.ovsdb.to_string(), DEFAULT_OVSDB);
    assert_eq!((conf.mode, conf.queues, conf.access.mode), (Mode::Client, 1, 0o770));
    assert_eq!((conf.socket_file.as_str(), conf.vlans.clone()), ("vhost.sock", Vlans::default()));
    assert!(!conf.create_bridge && conf.warnings.is_empty(), "{conf:?}");
    assert!(matches!(parse(r#""vlan":1"#), Err(ConfError::Keys(NO_BRIDGE))));
}

#[test]
fn every_key_is_understood_in_whatever_case() {
    let conf = good(
        r#""OVSDB":"unix:/run/x.sock","bridge":"br0","createbridge":true,"mode":"dpdkvhostuser","vlan":7,
        "trunks":[30,{"id":10},{"minID":11,"maxID":13},12],"mac":"02:00:00:00:00:01","MTU":9000,"queues":4,
        "ingress":{"rate":1000000},"egress":{"rate":2000000,"burst":500000},"deviceID":"slot-3",
        "socketDir":{"owner":1000,"group":"hugetlbfs","mode":"0750","selinuxLabel":"a:b:c:s0"},
        "mountPath":"/sockets""#,
    );
    assert_eq!(conf.ovsdb.to_string(), "unix:/run/x.sock");
    assert!(conf.create_bridge && conf.mode == Mode::Server);
    assert_eq!(conf.vlans, Vlans { tag: Some(7), trunks: vec![10, 11, 12, 13, 30] });
    assert_eq!((conf.mtu, conf.queues, conf.slot.as_deref()), (Some(9000), 4, Some("slot-3")));
    assert_eq!(conf.egress, Some(Rate { rate: 2_000_000, burst: 500_000 }));
    // Ten frames at least.
    assert_eq!(conf.ingress, Some(Rate { rate: 1_000_000, burst: 720_000 }));
    let access = Access {
        owner: Some(Account::Id(1000)),
        group: Some(Account::Name("hugetlbfs".to_owned())),
        mode: 0o750,
        label: Some("a:b:c:s0".to_owned()),
    };
    assert_eq!(conf.access, access);
    assert_eq!(conf.mount_path, PathBuf::from("/sockets"));
}

#[test]
fn what_the_runtime_passes_goes_before_the_configuration() {
    let conf = good(
        r#""bridge":"b","mac":"02:00:00:00:00:01","deviceID":"a","ingress":{"rate":5000},"egress":{"rate":6000},
        "runtimeConfig":{"mac":"02:00:00:00:00:02","deviceID":"b","ips":["10.0.0.2/24","fd00::2/64"],
        "bandwidth":{"ingressRate":8000000,"ingressBurst":800000}}"#,
    );
    assert_eq!(conf.mac.unwrap().to_string(), "02:00:00:00:00:02");
    assert_eq!(conf.slot.as_deref(), Some("b"));
    assert_eq!(conf.ips.len(), 2);
    assert_eq!(conf.ingress, Some(Rate { rate: 8_000_000, burst: 800_000 }));
    assert_eq!(conf.egress.unwrap().rate, 6000);
}

#[test]
fn empty_runtime_values_do_not_hide_the_configurations() {
    let conf = good(
        r#""bridge":"b","deviceID":"a","mac":"02:00:00:00:00:01","runtimeConfig":{"deviceID":"","mac":""}"#,
    );
    assert!(conf.slot.is_some() && conf.mac.is_some());
}

#[test]
fn bad_values_name_their_key() {
    for (keys, key) in [
        (r#""bridge":"a/b""#, "bridge"),
        (r#""bridge":"sixteen-letters-""#, "bridge"),
        (r#""bridge":"b","ovsdb":"/run/x""#, "ovsdb"),
        (r#""bridge":"b","ovsdb":"tcp:127.0.0.1:6640""#, "ovsdb"),
        (r#""bridge":"b","mode":"client""#, "mode"),
        (r#""bridge":"b","vlan":4095"#, "vlan"),
        (r#""bridge":"b","vlan":-1"#, "vlan"),
        (r#""bridge":"b","trunks":[0]"#, "trunks"),
        (r#""bridge":"b","trunks":[{"minID":9,"maxID":8}]"#, "trunks"),
        (r#""bridge":"b","trunks":["1-2"]"#, "trunks"),
        (r#""bridge":"b","mac":"01:00:5e:00:00:01""#, "mac"),
        (r#""bridge":"b","mtu":67"#, "mtu"),
        (r#""bridge":"b","mtu":9703"#, "mtu"),
        (r#""bridge":"b","queues":0"#, "queues"),
        (r#""bridge":"b","queues":1025"#, "queues"),
        (r#""bridge":"b","ingress":{"rate":999}"#, "ingress"),
        (r#""bridge":"b","egress":{"burst":5}"#, "egress"),
        (r#""bridge":"b","egress":{"rate":18446744073709551615}"#, "egress"),
        (r#""bridge":"b","ingress":{"rates":5}"#, "ingress"),
        (r#""bridge":"b","ingress":7"#, "ingress"),
        (r#""bridge":"b","deviceID":"../x""#, "deviceID"),
        (r#""bridge":"b","deviceID":"a@b""#, "deviceID"),
        (r#""bridge":"b","deviceID":"a:b""#, "deviceID"),
        (r#""bridge":"b","socketDir":{"mode":"0777"}"#, "socketDir.mode"),
        (r#""bridge":"b","socketDir":{"mode":"rwx"}"#, "socketDir.mode"),
        (r#""bridge":"b","socketDir":{"modus":"0770"}"#, "socketDir"),
        (r#""bridge":"b","mountPath":"a""#, "mountPath"),
        (r#""bridge":"b","mountPath":"/a,b""#, "mountPath"),
        (r#""bridge":"b","mountPath":"/a/../b""#, "mountPath"),
        (r#""bridge":"b","sharedDir":"/a b""#, "sharedDir"),
        (r#""bridge":"b","createBridge":"yes""#, "createBridge"),
    ] {
        let error = parse(keys).expect_err(keys).to_string();
        assert!(error.contains(key), "{keys}: {error}");
    }
}

#[test]
fn no_vlan_may_be_written_as_0() {
    assert_eq!(good(r#""bridge":"b","vlan":0"#).vlans.tag, None);
}

#[test]
fn unknown_keys_are_remarked() {
    assert!(good(r#""bridge":"b","vlanID":7"#).warnings[0].contains("vlanID"));
}

#[test]
fn a_configuration_of_userspace_cni_is_understood() {
    let conf = good(
        r#""kubeconfig":"/x","sharedDir":"/var/run/sockets","host":{"engine":"ovs-dpdk","iftype":"vhostuser",
        "netType":"bridge","vhost":{"mode":"client","group":"hugetlbfs","socketfile":"net1.sock"},
        "bridge":{"bridgeName":"br4","vlanId":12}},
        "container":{"engine":"ovs-dpdk","iftype":"vhostuser","netType":"interface","vhost":{"mode":"server"}}"#,
    );
    assert_eq!((conf.bridge.as_str(), conf.mode, conf.vlans.tag), ("br4", Mode::Client, Some(12)));
    assert_eq!(conf.access.group, Some(Account::Name("hugetlbfs".to_owned())));
    assert_eq!(conf.socket_file, "net1.sock");
    assert_eq!(conf.shared_dir, Some(PathBuf::from("/var/run/sockets")));
    assert!(conf.warnings.iter().any(|w| w.contains("kubeconfig")), "{:?}", conf.warnings);
}

#[test]
fn the_defaults_of_userspace_cni_hold_in_its_dialect() {
    let conf = good(r#""host":{"engine":"ovs-dpdk","iftype":"vhostuser"}"#);
    assert_eq!((conf.bridge.as_str(), conf.mode, conf.vlans.tag), ("br0", Mode::Server, None));
    // Our own keys go before the dialect's.
    let conf = good(
        r#""bridge":"br9","mode":"dpdkvhostuserclient","vlan":3,"host":{"bridge":{"vlanId":4}}"#,
    );
    assert_eq!((conf.bridge.as_str(), conf.mode, conf.vlans.tag), ("br9", Mode::Client, Some(3)));
}

#[test]
fn what_userspace_cni_does_without_ovs_is_refused() {
    for (host, key) in [
        (r#"{"engine":"vpp"}"#, "host.engine"),
        (r#"{"engine":"ovs-dpdk","iftype":"memif"}"#, "host.iftype"),
        (r#"{"netType":"wire"}"#, "host.netType"),
        (r#"{"vhost":{"mode":"Client"}}"#, "host.vhost.mode"),
        (r#"{"vhost":{"socketfile":"../x"}}"#, "host.vhost.socketfile"),
        (r#"{"vhost":{"socketfile":".x"}}"#, "host.vhost.socketfile"),
        (r#"{"bridge":{"vlanId":4096}}"#, "vlan"),
    ] {
        let error = parse(&format!(r#""host":{host}"#)).expect_err(host).to_string();
        assert!(error.contains(key), "{host}: {error}");
    }
}
