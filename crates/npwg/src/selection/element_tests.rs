use serde_json::{Value, json};

use crate::selection::Protocol;
use crate::{Error, Selection, selections};

/// Reads one element, with a name added.
fn element(mut keys: Value) -> Result<Selection, Error> {
    keys["name"] = json!("net-a");
    selections(&json!([keys]).to_string(), "pods").map(|mut list| list.remove(0))
}

fn read(keys: Value) -> Selection {
    element(keys).unwrap_or_else(|error| panic!("{error}"))
}

/// Each value is refused, by a message that names the key, or in it the `key[index]` at fault.
fn refuse(fault: &str, values: impl IntoIterator<Item = Value>) {
    let key = fault.split('[').next().unwrap();
    for value in values {
        match element(json!({key: value.clone()})) {
            Ok(selection) => panic!("{key} {value}: {selection:?}"),
            Err(error) => {
                assert!(error.to_string().contains(&format!("invalid {fault} ")), "{error}");
            }
        }
    }
}

#[test]
fn npwg_08_keys_with_a_dot_are_somebody_elses_and_unknown_ones_reserved() {
    let plain = read(json!({}));
    assert_eq!(read(json!({"org.example.colour": {"mac": 1}, "example.com/x": [1]})), plain);
    assert_eq!(read(json!({"colour": "blue", "ip": "192.0.2.1"})), plain);
}

#[test]
fn keys_match_in_whatever_case_and_null_and_empty_are_absent() {
    let expected = read(json!({"mac": "02:00:00:00:00:01", "interface": "fast0"}));
    assert_eq!(read(json!({"MAC": "02:00:00:00:00:01", "Interface": "fast0"})), expected);
    let plain = read(json!({}));
    for key in super::KEYS.iter().filter(|key| **key != "name") {
        assert_eq!(read(json!({*key: null})), plain, "{key}");
    }
    let texts =
        ["namespace", "interface", "mac", "infiniband-guid", "deviceID", "ipam-claim-reference"];
    for key in texts {
        assert_eq!(read(json!({key: ""})), plain, "{key}");
    }
}

#[test]
fn a_key_in_two_spellings_is_refused() {
    let error = element(json!({"mac": "02:00:00:00:00:01", "MAC": "02:00:00:00:00:02"}));
    assert!(error.unwrap_err().to_string().contains("given once, in one spelling"));
    let mapping = json!([{"hostPort": 80, "hostport": 81, "containerPort": 80}]);
    let error = element(json!({"portMappings": mapping})).unwrap_err().to_string();
    assert!(error.contains("portMappings[0].hostPort"), "{error}");
}

#[test]
fn npwg_09_ips_are_kept_as_they_were_given() {
    let given = json!(["10.2.2.42", "192.0.2.5/24", "2001:DB8:0::5", "2001:db8::6/64"]);
    let selection = read(json!({"ips": given}));
    assert_eq!(selection.capability_args()["ips"], given);
    let parts: Vec<_> =
        selection.ips.iter().map(|ip| (ip.address().to_string(), ip.prefix())).collect();
    let expected = [
        ("10.2.2.42", None),
        ("192.0.2.5", Some(24)),
        ("2001:db8::5", None),
        ("2001:db8::6", Some(64)),
    ];
    assert_eq!(parts, expected.map(|(address, prefix)| (address.to_owned(), prefix)));
}

#[test]
fn npwg_09_ips_that_are_none_are_refused() {
    refuse("ips", [json!([]), json!("192.0.2.1"), json!({}), json!(1)]);
    let texts = [
        "",
        "192.0.2",
        "192.0.2.256",
        "192.0.2.1/33",
        "192.0.2.1/",
        "192.0.2.1/+24",
        "/24",
        "192.0.2.1/255.255.255.0",
        "2001:db8::/129",
        "fe80::1%eth0",
        " 192.0.2.1",
        "host",
    ];
    refuse("ips[0]", texts.map(|text| json!([text])));
    refuse("ips[1]", [json!(["192.0.2.1", null]), json!(["192.0.2.1", 1])]);
}

#[test]
fn npwg_10_macs_have_six_bytes_and_one_spelling() {
    for text in ["02:aB:00:00:0f:01", "02-AB-00-00-0F-01"] {
        let selection = read(json!({"mac": text}));
        assert_eq!(selection.mac.unwrap().0, [2, 0xab, 0, 0, 0x0f, 1]);
        assert_eq!(selection.capability_args()["mac"], "02:ab:00:00:0f:01");
    }
    let texts = [
        "02:00:00:00:00",
        "02:00:00:00:00:01:02",
        "02:00:00:00:00:1",
        "02:00:00:00:00:001",
        "02:00-00:00:00:01",
        "020000000001",
        "02:00:00:00:00:+1",
        "02:00:00:00:00:0g",
        ":::::",
        "80:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22",
    ];
    refuse("mac", texts.map(Value::from).into_iter().chain([json!(1), json!(["02"])]));
}

#[test]
fn npwg_11_interfaces_have_names_of_the_kernel() {
    for key in ["interface", "interfaceRequest", "INTERFACE"] {
        assert_eq!(read(json!({key: "eth1.100"})).interface.unwrap().as_str(), "eth1.100");
    }
    let invalid = [".", "..", "a/b", "a b", "a:b", "a\n", "0123456789abcdef"];
    refuse("interface", invalid.map(Value::from).into_iter().chain([json!(1)]));
    refuse("interfaceRequest", invalid.map(Value::from));
}

#[test]
fn npwg_11_the_two_names_of_the_key_must_agree() {
    let same = read(json!({"interface": "a", "interfaceRequest": "a"}));
    assert_eq!(same.interface.unwrap().as_str(), "a");
    let error = element(json!({"interface": "a", "interfaceRequest": "b"})).unwrap_err();
    assert!(error.to_string().contains("invalid interfaceRequest \"b\""), "{error}");
}

#[test]
fn npwg_12_cni_args_are_an_object() {
    let args = json!({"colour": "blue", "deep": {"list": [1, null]}});
    assert_eq!(Value::from(read(json!({"cni-args": args})).cni_args), args);
    refuse("cni-args", [json!("a=b"), json!([]), json!(1)]);
}

#[test]
fn npwg_13_port_mappings_default_to_tcp() {
    let selection = read(json!({"portMappings": [
        {"hostPort": 8080, "containerPort": 80},
        {"hostPort": 1, "containerPort": 65535, "protocol": "UDP", "hostIP": "192.0.2.1"},
        {"HostPort": 53, "ContainerPort": 53, "protocol": "sctp", "hostIP": ""},
    ]}));
    assert_eq!(selection.port_mappings[0].protocol, Protocol::Tcp);
    let expected = json!([
        {"hostPort": 8080, "containerPort": 80, "protocol": "tcp"},
        {"hostPort": 1, "containerPort": 65535, "protocol": "udp", "hostIP": "192.0.2.1"},
        {"hostPort": 53, "containerPort": 53, "protocol": "sctp"},
    ]);
    assert_eq!(selection.capability_args()["portMappings"], expected);
}

#[test]
fn npwg_13_ports_are_from_1_to_65535() {
    refuse("portMappings", [json!({}), json!("80:80")]);
    refuse("portMappings[0]", [json!([80])]);
    for port in [json!(0), json!(65536), json!(-1), json!(80.5), json!("80"), json!(null)] {
        let host = json!([{"hostPort": port.clone(), "containerPort": 80}]);
        let error = element(json!({"portMappings": host})).unwrap_err().to_string();
        assert!(error.contains("invalid portMappings[0].hostPort"), "{error}");
        assert!(error.contains("from 1 to 65535"), "{error}");
        let pod =
            json!([{"hostPort": 80, "containerPort": 80}, {"hostPort": 81, "containerPort": port}]);
        let error = element(json!({"portMappings": pod})).unwrap_err().to_string();
        assert!(error.contains("invalid portMappings[1].containerPort"), "{error}");
    }
    let odd = [("protocol", json!("icmp")), ("protocol", json!(6)), ("hostIP", json!("host"))];
    for (key, value) in odd {
        let mapping = json!([{"hostPort": 80, "containerPort": 80, key: value}]);
        let error = element(json!({"portMappings": mapping})).unwrap_err().to_string();
        assert!(error.contains(&format!("invalid portMappings[0].{key}")), "{error}");
    }
}

#[test]
fn npwg_14_bandwidth_is_passed_on() {
    let limits = json!({"ingressRate": 1_000_000, "ingressBurst": 2000, "egressRate": u64::MAX});
    assert_eq!(read(json!({"bandwidth": limits})).capability_args()["bandwidth"], limits);
}

#[test]
fn npwg_14_rates_are_above_0_and_bursts_have_one() {
    refuse("bandwidth", [json!({}), json!([]), json!(1)]);
    refuse("bandwidth", [json!({"ingressBurst": 1}), json!({"egressRate": 1, "ingressBurst": 1})]);
    refuse("bandwidth", [json!({"ingressRate": 1, "egressBurst": 1})]);
    for key in ["ingressRate", "ingressBurst", "egressRate", "egressBurst"] {
        for value in [json!(0), json!(-1), json!("1M"), json!(1.5), json!(1e30)] {
            let mut limits = json!({"ingressRate": 1, "egressRate": 1});
            limits[key] = value;
            let error = element(json!({"bandwidth": limits})).unwrap_err().to_string();
            assert!(error.contains(&format!("invalid bandwidth.{key}")), "{error}");
        }
    }
}

#[test]
fn npwg_15_an_empty_default_route_is_not_an_absent_one() {
    assert_eq!(read(json!({})).default_route, None);
    assert_eq!(read(json!({"default-route": []})).default_route, Some(Vec::new()));
    let gateways: [std::net::IpAddr; 2] =
        ["192.0.2.1", "2001:db8::1"].map(|text| text.parse().unwrap());
    let selection = read(json!({"default-route": ["192.0.2.1", "2001:db8::1"]}));
    assert_eq!(selection.default_route.unwrap(), gateways);
    refuse("default-route", [json!("192.0.2.1"), json!({})]);
    refuse("default-route[0]", ["", "192.0.2.0/24", "gw"].map(|text| json!([text])));
}

#[test]
fn npwg_16_guids_have_eight_bytes() {
    let selection = read(json!({"infiniband-guid": "C2:11:22:33:44:55:66:77"}));
    assert_eq!(selection.capability_args()["infinibandGUID"], "c2:11:22:33:44:55:66:77");
    refuse("infiniband-guid", ["c2:11:22:33:44:55", "c211:2233:4455:6677"].map(Value::from));
}

#[test]
fn npwg_17_a_claim_and_ips_exclude_each_other() {
    let selection = read(json!({"ipam-claim-reference": "vm-a.net-1"}));
    assert_eq!(selection.ipam_claim_reference.as_deref(), Some("vm-a.net-1"));
    let both = element(json!({"ipam-claim-reference": "vm-a", "ips": ["192.0.2.1"]}));
    let message = both.unwrap_err().to_string();
    assert!(message.contains("invalid ipam-claim-reference \"vm-a\""), "{message}");
    refuse("ipam-claim-reference", ["../a", "A", "a/b"].map(Value::from));
}

#[test]
fn device_ids_are_no_paths() {
    for id in ["0000:af:06.0", "mlx5_core.sf.4", "vdpa-0"] {
        let selection = read(json!({"deviceID": id}));
        assert_eq!(selection.capability_args()["deviceID"], id);
    }
    let invalid = ["..", "../0000:af:06.0", "a/b", " a", "a\0", "-a"];
    refuse("deviceID", invalid.map(Value::from).into_iter().chain([json!(1)]));
}

#[test]
fn nothing_is_asked_of_capabilities_unless_the_pod_does() {
    let asked = |keys| read(keys).capability_args().keys().cloned().collect::<Vec<_>>();
    assert!(asked(json!({"interface": "a", "cni-args": {"a": 1}, "default-route": []})).is_empty());
    assert!(asked(json!({"portMappings": []})).is_empty());
    assert_eq!(asked(json!({"mac": "02:00:00:00:00:01"})), ["mac"]);
}
