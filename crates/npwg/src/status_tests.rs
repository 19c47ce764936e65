use cni::Version;
use serde_json::json;

use super::*;

/// The entries of a result as its version prints it.
fn entries(version: Version, default: bool, result: &Value) -> Vec<NetworkStatus> {
    let result = AddResult::from_json(result, version).unwrap();
    network_status("prod/fast", &"net1".parse().unwrap(), default, &result, None)
}

/// Interface and addresses of each.
fn addresses(result: &Value) -> Vec<(String, Vec<String>)> {
    let entries = entries(Version::LATEST, false, result);
    entries.into_iter().map(|entry| (entry.interface, entry.ips)).collect()
}

fn is(interface: &str, ips: &[&str]) -> (String, Vec<String>) {
    (interface.to_owned(), ips.iter().map(|&ip| ip.to_owned()).collect())
}

#[test]
fn npwg_22_keys_and_their_order_are_those_consumers_read() {
    let result = json!({
        "cniVersion": "1.1.0",
        "interfaces": [
            {"name": "veth0", "mac": "0a:00:00:00:00:01"},
            {"name": "net1", "mac": "02:00:00:00:00:01", "mtu": 9000, "sandbox": "/run/netns/a"},
        ],
        "ips": [{"address": "192.0.2.5/24", "gateway": "192.0.2.1", "interface": 1}],
        "routes": [{"dst": "0.0.0.0/0"}],
        "dns": {"nameservers": ["192.0.2.53"], "domain": "a", "search": ["b"], "options": ["c"]},
    });
    let result = AddResult::from_json(&result, Version::LATEST).unwrap();
    let device = json!({"type": "pci", "version": "1.1.0", "pci": {"pci-address": "0000:af:06.0"}});
    let ifname = "net1".parse().unwrap();
    let list = network_status("prod/fast", &ifname, true, &result, Some(&device));
    let expected = concat!(
        r#"[{"name":"prod/fast","interface":"net1","ips":["192.0.2.5"],"mac":"02:00:00:00:00:01","#,
        r#""mtu":9000,"default":true,"dns":{"nameservers":["192.0.2.53"],"domain":"a","#,
        r#""search":["b"],"options":["c"]},"device-info":{"pci":{"pci-address":"0000:af:06.0"},"#,
        r#""type":"pci","version":"1.1.0"},"gateway":["192.0.2.1"]}]"#
    );
    let text = serde_json::to_string(&list).unwrap();
    assert_eq!(text, expected);
    assert_eq!(serde_json::from_str::<Vec<NetworkStatus>>(&text).unwrap(), list);
}

#[test]
fn npwg_22_what_is_not_known_is_left_out_but_dns() {
    let list = entries(Version::LATEST, false, &json!({}));
    let expected = json!([{"name": "prod/fast", "interface": "net1", "dns": {}}]);
    assert_eq!(serde_json::to_value(list).unwrap(), expected);
}

#[test]
fn entries_of_others_are_read() {
    let text = r#"[{"name":"cluster","interface":"eth5","ips":["192.0.2.1/24"],"default":false,
        "default-route":["192.0.2.254"],"org.example.x":1}]"#;
    let list: Vec<NetworkStatus> = serde_json::from_str(text).unwrap();
    assert_eq!((list[0].ips[0].as_str(), list[0].default), ("192.0.2.1/24", false));
}

/// Every version says where the addresses are, as far as it can say it.
#[test]
fn npwg_20_addresses_survive_every_version_of_the_result() {
    let full = json!({
        "interfaces": [
            {"name": "br0"},
            {"name": "veth0"},
            {"name": "net1", "sandbox": "/run/netns/a"},
            {"name": "net1.5", "sandbox": "/run/netns/a"},
        ],
        "ips": [
            {"address": "192.0.2.5/24", "interface": 2},
            {"address": "2001:db8::5/64", "interface": 3},
        ],
    });
    let full = AddResult::from_json(&full, Version::LATEST).unwrap();
    for version in Version::ALL {
        let list = entries(version, true, &full.to_json(version).unwrap());
        let found: Vec<_> = list
            .iter()
            .map(|e| is(&e.interface, &e.ips.iter().map(String::as_str).collect::<Vec<_>>()))
            .collect();
        if version <= Version::V0_2_0 {
            assert_eq!(found, [is("net1", &["192.0.2.5", "2001:db8::5"])], "{version}");
        } else {
            let expected = [is("net1", &["192.0.2.5"]), is("net1.5", &["2001:db8::5"])];
            assert_eq!(found, expected, "{version}");
        }
        assert_eq!(list.iter().filter(|entry| entry.default).count(), 1, "{version}");
    }
}

#[test]
fn npwg_20_results_before_0_3_0_are_shown_as_far_as_they_go() {
    let result = json!({
        "cniVersion": "0.2.0",
        "ip4": {"ip": "192.0.2.5/24", "gateway": "192.0.2.1", "routes": [{"dst": "0.0.0.0/0"}]},
        "ip6": {"ip": "2001:db8::5/64", "routes": [{"dst": "::/0", "gw": "2001:db8::1"}]},
        "dns": {"nameservers": ["192.0.2.53"]},
    });
    let list = entries(Version::V0_2_0, false, &result);
    let expected = json!([{
        "name": "prod/fast", "interface": "net1", "ips": ["192.0.2.5", "2001:db8::5"],
        "dns": {"nameservers": ["192.0.2.53"]}, "gateway": ["192.0.2.1", "2001:db8::1"],
    }]);
    assert_eq!(serde_json::to_value(list).unwrap(), expected);
}

#[test]
fn npwg_20_0_3_1_with_the_family_of_each_address() {
    let result = json!({
        "cniVersion": "0.3.1",
        "interfaces": [{"name": "eth0", "mac": "02:00:00:00:00:01", "sandbox": "/run/netns/a"}],
        "ips": [{"version": "4", "address": "192.0.2.5/24", "gateway": "192.0.2.1", "interface": 0}],
    });
    let list = entries(Version::V0_3_1, false, &result);
    assert_eq!((list.len(), list[0].mac.as_deref()), (1, Some("02:00:00:00:00:01")));
    assert_eq!((list[0].ips[0].as_str(), list[0].gateway.len()), ("192.0.2.5", 0));
}

#[test]
fn npwg_20_addresses_of_the_host_are_not_the_pods() {
    let result = json!({
        "interfaces": [{"name": "br0"}, {"name": "eth0", "sandbox": "/run/netns/a"}],
        "ips": [{"address": "192.0.2.1/24", "interface": 0}, {"address": "192.0.2.5/24", "interface": 1}],
    });
    assert_eq!(addresses(&result), [is("eth0", &["192.0.2.5"])]);
    let only_host = json!({
        "interfaces": [{"name": "cali0"}],
        "ips": [{"address": "192.0.2.1/32", "interface": 0}, {"address": "192.0.2.5/32"}],
    });
    assert_eq!(addresses(&only_host), [is("net1", &["192.0.2.5"])]);
}

#[test]
fn npwg_20_addresses_of_no_interface_are_the_first_ones() {
    let result = json!({
        "interfaces": [
            {"name": "br0"},
            {"name": "a", "sandbox": "/run/netns/a"},
            {"name": "b", "sandbox": "/run/netns/a"},
        ],
        "ips": [
            {"address": "192.0.2.5/24"},
            {"address": "192.0.2.6/24", "interface": -1},
            {"address": "192.0.2.7/24", "interface": 9},
            {"address": "192.0.2.8/24", "interface": 2},
        ],
    });
    let expected = [is("a", &["192.0.2.5", "192.0.2.6", "192.0.2.7"]), is("b", &["192.0.2.8"])];
    assert_eq!(addresses(&result), expected);
}

/// No kernel interface, so no sandbox: a VF for DPDK, a vhost-user socket.
#[test]
fn npwg_20_attachments_without_a_kernel_interface_have_one_entry() {
    let vf = json!({
        "interfaces": [{"name": "net1", "mac": "02:00:00:00:00:01", "pciID": "0000:af:06.0"}],
        "ips": [{"address": "192.0.2.5/24", "interface": 0}],
    });
    assert_eq!(addresses(&vf), [is("net1", &["192.0.2.5"])]);
    let socket = json!({"interfaces": [{"name": "br0"}, {"name": "vhu0", "mac": "02:00:00:00:00:02",
        "mtu": 1500, "socketPath": "/run/a.sock"}]});
    let list = entries(Version::LATEST, false, &socket);
    assert_eq!((list.len(), list[0].mac.as_deref()), (1, Some("02:00:00:00:00:02")));
    assert_eq!(addresses(&json!({})), [is("net1", &[])]);
}

#[test]
fn npwg_21_only_the_first_entry_of_the_default_network_is_default() {
    let two = json!({"interfaces": [
        {"name": "veth0"},
        {"name": "a", "sandbox": "/run/netns/a"},
        {"name": "b", "sandbox": "/run/netns/a"},
    ]});
    let marked = |default, result| -> Vec<_> {
        entries(Version::LATEST, default, result).iter().map(|entry| entry.default).collect()
    };
    assert_eq!(marked(true, &two), [true, false]);
    assert_eq!(marked(false, &two), [false, false]);
    assert_eq!(marked(true, &json!({})), [true]);
}

#[test]
fn npwg_18_each_attachment_to_a_network_has_its_entry() {
    let result = json!({"interfaces": [{"name": "a", "sandbox": "/run/netns/a"}]});
    let both = [entries(Version::LATEST, false, &result), entries(Version::LATEST, false, &result)];
    assert_eq!(both.concat().len(), 2);
}

#[test]
fn gateways_are_those_of_default_routes_where_they_can_be_reached() {
    let result = json!({
        "interfaces": [{"name": "a", "sandbox": "/s"}, {"name": "b", "sandbox": "/s"}],
        "ips": [
            {"address": "192.0.2.5/24", "gateway": "192.0.2.1", "interface": 0},
            {"address": "2001:db8::5/64", "gateway": "2001:db8::1", "interface": 1},
        ],
        "routes": [
            {"dst": "10.0.0.0/8", "gw": "192.0.2.9"},
            {"dst": "0.0.0.0/0", "gw": "169.254.1.1"},
            {"dst": "0.0.0.0/0", "gw": "169.254.1.1"},
            {"dst": "::/0"},
            {"dst": "0.0.0.0/0", "gw": "192.0.2.7", "table": 100},
            {"dst": "0.0.0.0/0", "gw": "192.0.2.8", "table": 254},
        ],
    });
    let list = entries(Version::LATEST, false, &result);
    assert_eq!(list[0].gateway, ["169.254.1.1", "192.0.2.8"]);
    assert_eq!(list[1].gateway, ["2001:db8::1"]);
}

#[test]
fn a_default_route_without_any_gateway_has_none() {
    let result = json!({"ips": [{"address": "192.0.2.5/24"}], "routes": [{"dst": "0.0.0.0/0"}]});
    assert!(entries(Version::LATEST, false, &result)[0].gateway.is_empty());
}
