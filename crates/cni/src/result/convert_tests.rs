use serde_json::json;

use super::*;
use Version::{V0_1_0, V0_2_0, V0_3_0, V0_3_1, V0_4_0, V1_0_0, V1_1_0};

/// A result that uses every field of 1.1.0.
fn full() -> AddResult {
    AddResult::from_json(&full_1_1(), V1_1_0).unwrap()
}

fn full_1_1() -> Value {
    json!({
        "cniVersion": "1.1.0",
        "interfaces": [
            {"name": "vf3", "mac": "02:00:00:00:00:01"},
            {"name": "net1", "mac": "02:00:00:00:00:02", "mtu": 9000, "sandbox": "/run/netns/a",
             "socketPath": "/run/fastpath/s/3", "pciID": "0000:af:06.0"},
        ],
        "ips": [
            {"address": "10.0.0.5/24", "gateway": "10.0.0.1", "interface": 1},
            {"address": "fd00::5/64", "gateway": "fd00::1", "interface": 1},
            {"address": "10.0.1.5/24"},
        ],
        "routes": [
            {"dst": "0.0.0.0/0", "gw": "10.0.0.1", "mtu": 1400, "advmss": 1360, "priority": 10,
             "table": 100, "scope": 253},
            {"dst": "::/0"},
        ],
        "dns": {"nameservers": ["10.0.0.2"], "domain": "d", "search": ["s"], "options": ["o"]},
    })
}

/// The same result as each version says it.
fn full_in(version: Version) -> Value {
    let dns =
        json!({"nameservers": ["10.0.0.2"], "domain": "d", "search": ["s"], "options": ["o"]});
    let mut value = match version {
        V1_1_0 => full_1_1(),
        V1_0_0 => json!({
            "interfaces": [
                {"name": "vf3", "mac": "02:00:00:00:00:01"},
                {"name": "net1", "mac": "02:00:00:00:00:02", "sandbox": "/run/netns/a"},
            ],
            "ips": [
                {"address": "10.0.0.5/24", "gateway": "10.0.0.1", "interface": 1},
                {"address": "fd00::5/64", "gateway": "fd00::1", "interface": 1},
                {"address": "10.0.1.5/24"},
            ],
            "routes": [{"dst": "0.0.0.0/0", "gw": "10.0.0.1"}, {"dst": "::/0"}],
            "dns": dns,
        }),
        V0_3_0 | V0_3_1 | V0_4_0 => json!({
            "interfaces": [
                {"name": "vf3", "mac": "02:00:00:00:00:01"},
                {"name": "net1", "mac": "02:00:00:00:00:02", "sandbox": "/run/netns/a"},
            ],
            "ips": [
                {"version": "4", "address": "10.0.0.5/24", "gateway": "10.0.0.1", "interface": 1},
                {"version": "6", "address": "fd00::5/64", "gateway": "fd00::1", "interface": 1},
                {"version": "4", "address": "10.0.1.5/24"},
            ],
            "routes": [{"dst": "0.0.0.0/0", "gw": "10.0.0.1"}, {"dst": "::/0"}],
            "dns": dns,
        }),
        V0_1_0 | V0_2_0 => json!({
            "ip4": {"ip": "10.0.0.5/24", "gateway": "10.0.0.1",
                    "routes": [{"dst": "0.0.0.0/0", "gw": "10.0.0.1"}]},
            "ip6": {"ip": "fd00::5/64", "gateway": "fd00::1", "routes": [{"dst": "::/0"}]},
            "dns": dns,
        }),
    };
    value["cniVersion"] = json!(version);
    value
}

#[test]
fn every_version_says_what_it_can() {
    for version in Version::ALL {
        assert_eq!(full().to_json(version).unwrap(), full_in(version), "{version}");
    }
}

#[test]
fn every_pair_of_versions_converts_to_what_both_can_say() {
    for from in Version::ALL {
        for to in Version::ALL {
            let read = AddResult::from_json(&full_in(from), from).unwrap();
            let written = read.to_json(to).unwrap();
            // What survives is what the older shape holds, in the words of the target.
            let kept = AddResult::from_json(&full_in(from.min(to)), from.min(to)).unwrap();
            assert_eq!(written, kept.to_json(to).unwrap(), "{from} to {to}");
            assert_eq!(written["cniVersion"], json!(to));
        }
    }
}

#[test]
fn every_version_reads_back_what_it_wrote() {
    for version in Version::ALL {
        let read = AddResult::from_json(&full_in(version), V1_1_0).unwrap();
        assert_eq!(read.to_json(version).unwrap(), full_in(version), "{version}");
    }
}

/// Compatibility trap 3, the second half: Go refuses, but a DPDK interface has no addresses.
#[test]
fn trap_without_addresses_old_versions_get_a_minimal_object() {
    let interface = Interface { name: "net1".to_owned(), ..Interface::default() };
    let result = AddResult { interfaces: vec![interface], ..AddResult::default() };
    for version in [V0_1_0, V0_2_0] {
        assert_eq!(result.to_json(version).unwrap(), json!({"cniVersion": version}));
    }
}

#[test]
fn an_empty_result_is_only_its_version() {
    for version in Version::ALL {
        let value = AddResult::default().to_json(version).unwrap();
        assert_eq!(value, json!({"cniVersion": version}));
        assert_eq!(AddResult::from_json(&value, V1_1_0), Ok(AddResult::default()));
    }
}

#[test]
fn old_versions_drop_the_routes_of_a_family_without_an_address() {
    let mut result = full();
    result.ips.remove(1);
    let value = result.to_json(V0_2_0).unwrap();
    assert_eq!(value.get("ip6"), None);
    assert_eq!(value["ip4"]["routes"], json!([{"dst": "0.0.0.0/0", "gw": "10.0.0.1"}]));
}

#[test]
fn a_result_without_a_version_has_that_of_the_configuration() {
    let value = json!({"ip4": {"ip": "10.0.0.5/24"}});
    assert_eq!(AddResult::from_json(&value, V0_2_0).unwrap().ips.len(), 1);
    assert_eq!(AddResult::from_json(&value, V0_3_0).unwrap().ips.len(), 0);
    let empty = json!({"cniVersion": "", "ip4": {"ip": "10.0.0.5/24"}});
    assert_eq!(AddResult::from_json(&empty, V0_1_0).unwrap().ips.len(), 1);
}

#[test]
fn what_go_writes_for_nothing_is_nothing() {
    let value = json!({
        "interfaces": [{"name": "a", "mac": "", "mtu": 0, "sandbox": "", "socketPath": "", "pciID": ""}],
        "ips": [{"address": "10.0.0.5/24", "gateway": "", "interface": -1}],
        "routes": null,
        "dns": {"nameservers": null, "domain": ""},
    });
    let result = AddResult::from_json(&value, V1_1_0).unwrap();
    assert_eq!(
        result.to_json(V1_1_0).unwrap(),
        json!({"cniVersion": "1.1.0", "interfaces": [{"name": "a"}], "ips": [{"address": "10.0.0.5/24"}]})
    );
}

#[test]
fn broken_results_are_refused() {
    let cases = [
        (json!([]), code::DECODE),
        (json!(null), code::DECODE),
        (json!({"cniVersion": "9.9.9"}), code::INCOMPATIBLE_VERSION),
        (json!({"cniVersion": 1}), code::DECODE),
        (json!({"ips": [{"address": "10.0.0.256/24"}]}), code::DECODE),
        (json!({"ips": [{"gateway": "10.0.0.1"}]}), code::DECODE),
        (json!({"routes": [{"dst": "default"}]}), code::DECODE),
        (json!({"interfaces": [{"mac": "x"}]}), code::DECODE),
    ];
    for (value, code) in cases {
        let error = AddResult::from_json(&value, V1_0_0).unwrap_err();
        assert_eq!(error.code, code, "{value}: {error}");
    }
}
