use serde_json::json;

use super::*;

#[expect(clippy::needless_pass_by_value, reason = "as `json!` makes it")]
fn parse(keys: serde_json::Value) -> Result<Conf, String> {
    let mut conf =
        json!({"cniVersion": "1.1.0", "name": "overlay", "type": "ovn", "switch": "blue"});
    for (key, value) in keys.as_object().unwrap() {
        conf[key] = value.clone();
    }
    let conf = NetConf::parse(conf.to_string().as_bytes()).unwrap();
    Conf::of_network(&conf).map_err(|error| error.to_string())
}

#[test]
fn the_least_is_the_name_of_a_switch() {
    let conf = parse(json!({})).unwrap();
    assert_eq!(conf.nb.servers, ["unix:/var/run/ovn/ovnnb_db.sock".parse().unwrap()]);
    assert_eq!((conf.bridge.as_str(), conf.switch.as_str()), ("br-int", "blue"));
    assert!(conf.port_security && !conf.dynamic && conf.ips.is_empty());
    assert!(parse(json!({"switch": ""})).unwrap_err().contains("\"switch\""));
}

#[test]
fn servers_are_one_several_or_one_text_of_several() {
    let two = [("tcp", "10.0.0.1"), ("ssl", "10.0.0.2")].map(|(k, h)| format!("{k}:{h}:6641"));
    let want: Vec<Address> = two.iter().map(|text| text.parse().unwrap()).collect();
    for nb in [json!(two), json!(two.join(","))] {
        assert_eq!(parse(json!({"nb": nb})).unwrap().nb.servers, want);
    }
    assert!(parse(json!({"nb": "http://x"})).unwrap_err().contains("ssl:host:port"));
}

#[test]
fn what_the_pod_asks_for_goes_before_what_would_be_given() {
    let conf = parse(json!({"dynamic": true, "runtimeConfig": {"ips": ["10.0.0.7/24"]},
        "capabilities": {"ips": true}}));
    let conf = conf.unwrap();
    assert_eq!((conf.dynamic, conf.ips), (false, vec!["10.0.0.7/24".parse().unwrap()]));
    assert!(parse(json!({"dynamic": true})).unwrap().dynamic);
}

#[test]
fn nonsense_is_refused_by_its_key() {
    for (key, value) in [
        ("switch", json!("a b")),
        ("integrationBridge", json!("a/b")),
        ("createSwitch", json!({"subnet": "10.0.0.1/24"})),
        ("createSwitch", json!({"subnet": "fd00::/64"})),
        ("createSwitch", json!({"subnet": "10.0.0.0/24", "excludeIps": "x"})),
        ("mac", json!("01:00:00:00:00:01")),
        ("mtu", json!(67)),
        ("routes", json!([{"dst": "0.0.0.0"}, {"dst": "x"}])),
        ("ingress", json!({"burst": 5})),
        ("egress", json!({"rate": 999})),
        ("dhcp", json!({"cidr": "fd00::/64"})),
    ] {
        let error = parse(json!({key: value})).unwrap_err();
        assert!(error.contains(key), "{key}: {error}");
    }
}

#[test]
fn rates_are_in_kbits() {
    let conf = parse(json!({"ingress": {"rate": 1_000_000}, "egress": {"rate": 5000, "burst": 1}}));
    let want = Limits { to_port: Some((1000, 100)), from_port: Some((5, 1)) };
    assert_eq!(conf.unwrap().limits, want);
}
