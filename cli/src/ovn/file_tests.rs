use super::*;

const FILE: &str = "
name: world
router: cluster
networks:
- subnet: 10.10.0.0/24
  switch: blue
  gateway: 10.10.0.1
physicalNetwork: physnet1
bridge: br-ext
addresses: [192.0.2.1/24]
mode: nat
gateways:
- chassis: node-1
  interface: 0000:03:00.1
";

fn refusal(text: &str) -> String {
    format!("{:#}", External::parse(text).unwrap_err())
}

#[test]
fn what_is_not_said_has_its_default() {
    let external = External::parse(FILE).unwrap();
    assert_eq!(external.nb[0].to_string(), "unix:/var/run/ovn/ovnnb_db.sock");
    assert!(!external.create_router && external.vlan.is_none() && external.publish.is_empty());
    assert_eq!(external.gateways[0].interface, Device::Pci("0000:03:00.1".parse().unwrap()));
    assert!(external.gateways[0].ovsdb.is_none());
    assert_eq!(external.join[0].to_string(), "100.127.255.0/30");
}

#[test]
fn servers_are_one_or_several_and_an_interface_may_be_the_kernels() {
    let text =
        FILE.replace("0000:03:00.1", "eth1") + "nb: [tcp:10.0.0.1:6641, ssl:10.0.0.2:6641]\n";
    let external = External::parse(&text).unwrap();
    assert_eq!(external.nb.len(), 2);
    assert_eq!(external.gateways[0].interface, Device::Kernel("eth1".to_owned()));
    let one = External::parse(&(FILE.to_owned() + "nb: tcp:10.0.0.1:6641\n")).unwrap();
    assert_eq!(one.nb[0].to_string(), "tcp:10.0.0.1:6641");
}

#[test]
fn what_cannot_be_is_refused_by_its_key() {
    for (from, to, key) in [
        ("name: world", "name: a/b", "name is a/b"),
        ("physnet1", "a:b", "physicalNetwork is a:b"),
        ("br-ext", "a-name-that-is-too-long", "bridge"),
        ("[192.0.2.1/24]", "[]", "addresses is empty"),
        ("10.10.0.0/24", "10.10.0.7/24", "subnet is 10.10.0.7/24"),
        ("gateway: 10.10.0.1", "gateway: 10.11.0.1", "gateway is 10.11.0.1"),
        ("  gateway: 10.10.0.1\n", "", "switch is alone"),
        ("mode: nat", "mode: natted", "unknown variant"),
        ("mode: nat", "mode: nat\nvlan: 4095", "vlan is 4095"),
        ("mode: nat", "mode: nat\nnextHops: [198.51.100.1]", "nextHops is 198.51.100.1"),
        ("mode: nat", "mode: nat\nroutes: [10.0.0.1/8]", "routes is 10.0.0.1/8"),
        ("mode: nat", "mode: nat\njoin: [10.0.0.0/31]", "join is 10.0.0.0/31"),
        ("mode: nat", "mode: nat\njoin: ['fd00::/126']", "of the family of 192.0.2.1/24"),
        ("mode: nat", "mode: nat\npublish: {192.0.2.1: 10.10.0.9}", "another address than our own"),
        ("mode: nat", "mode: nat\npublish: {192.0.2.9: 10.11.0.9}", "in one of the networks"),
        ("mode: nat", "mode: nat\npublish: {198.51.100.9: 10.10.0.9}", "in a network of addresses"),
        ("mode: nat", "mode: routed\npublish: {192.0.2.9: 10.10.0.9}", "mode: routed"),
        ("mode: nat", "mode: nat\nprotocol: bgp", "protocol"),
        ("0000:03:00.1", "a b", "interface is \"a b\""),
        ("mode: nat", "mode: nat\nnb: []", "nb is empty"),
    ] {
        assert!(FILE.contains(from), "{from}");
        let said = refusal(&FILE.replace(from, to));
        assert!(said.contains(key), "{to}: {said}");
    }
}

#[test]
fn several_gateways_need_priorities_that_differ() {
    let second = |text: &str| format!("{FILE}- chassis: {text}\n  interface: eth1\n");
    assert!(refusal(&second("node-2")).contains("priority of node-1 is missing"));
    let both = |a: &str, b: &str| {
        let file = FILE.replace("node-1", &format!("node-1\n  priority: {a}"));
        file + &format!("- chassis: node-2\n  priority: {b}\n  interface: eth1\n")
    };
    assert!(External::parse(&both("20", "10")).is_ok());
    assert!(refusal(&both("20", "20")).contains("priority of node-2 is 20"));
    assert!(refusal(&both("20", "40000")).contains("up to 32767"));
    assert!(
        refusal(&both("20", "10").replace("node-2", "node-1")).contains("chassis is \"node-1\"")
    );
}

#[test]
fn the_examples_are_read() {
    for (text, gateways) in [
        (include_str!("../../../conf-examples/ovn/external-nat.yaml"), 2),
        (include_str!("../../../conf-examples/ovn/external-routed.yaml"), 1),
    ] {
        assert_eq!(External::parse(text).unwrap().gateways.len(), gateways);
    }
}

#[test]
fn any_text_is_read_or_refused() {
    let example = include_str!("../../../conf-examples/ovn/external-nat.yaml");
    let words =
        ["", "-1", "[]", "{}", "~", "::/0", "255.255.255.255/32", "0.0.0.0", "é", "\0", "\n  "];
    for (start, _) in example.char_indices().step_by(3) {
        for (word, length) in words.iter().flat_map(|word| [0, 1, 7].map(|length| (word, length))) {
            let rest = example.get(start + length..).unwrap_or_default();
            let text = format!("{}{word}{rest}", &example[..start]);
            if let Ok(external) = External::parse(&text) {
                external.logical();
            }
        }
    }
}
