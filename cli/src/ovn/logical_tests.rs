use super::*;

fn external(keys: &str) -> External {
    let text = format!(
        "name: world
router: cluster
networks:
- {{subnet: 10.10.0.0/24, switch: blue, gateway: 10.10.0.1}}
physicalNetwork: physnet1
bridge: br-ext
{keys}"
    );
    External::parse(&text).unwrap()
}

const ONE: &str = "gateways: [{chassis: a, interface: eth1}]\n";

/// As `ovn-nbctl` would say it, for the rows of a table.
fn rows(external: &External, table: &str) -> Vec<String> {
    let rows = external.logical().into_iter().filter(|row| row.table.name == table);
    rows.map(|row| {
        let parent = row.parent.unwrap_or_default();
        let columns = row.columns.iter().map(|(key, value)| format!("{key}={value}"));
        format!("{parent}: {}", columns.collect::<Vec<_>>().join(" "))
    })
    .collect()
}

#[test]
fn one_gateway_has_the_whole_router() {
    let external = external(&format!("addresses: [192.0.2.1/24]\nmode: routed\n{ONE}"));
    let routers = rows(&external, "Logical_Router");
    assert_eq!(routers, [r#": name="world-gateway" options=["map",[["chassis","a"]]]"#]);
    assert!(rows(&external, "Gateway_Chassis").is_empty() && rows(&external, "NAT").is_empty());
}

#[test]
fn of_several_gateways_each_may_have_the_external_port() {
    let gateways = "gateways: [{chassis: a, priority: 9, interface: eth1}, {chassis: b, priority: 5, interface: eth1}]\n";
    let external = external(&format!("addresses: [192.0.2.1/24]\nmode: routed\n{gateways}"));
    assert!(rows(&external, "Logical_Router")[0].ends_with(r#"options=["map",[]]"#));
    let chassis = rows(&external, "Gateway_Chassis");
    assert_eq!(chassis.len(), 2);
    assert_eq!(
        chassis[0],
        r#"world-gateway-external: chassis_name="a" name="world-gateway-external-a" priority=9"#
    );
}

#[test]
fn ways_lead_out_and_back_in_both_families() {
    let external = external(&format!(
        "addresses: [192.0.2.1/24, '2001:db8::1/64']
nextHops: [192.0.2.254, '2001:db8::ff']
mode: nat
{ONE}"
    ));
    let routes = rows(&external, "Logical_Router_Static_Route");
    assert_eq!(
        routes,
        [
            r#"cluster: ip_prefix="0.0.0.0/0" nexthop="100.127.255.2""#,
            r#"cluster: ip_prefix="::/0" nexthop="fd7f:6661:7374::2""#,
            r#"world-gateway: ip_prefix="0.0.0.0/0" nexthop="192.0.2.254""#,
            r#"world-gateway: ip_prefix="::/0" nexthop="2001:db8::ff""#,
            r#"world-gateway: ip_prefix="10.10.0.0/24" nexthop="100.127.255.1""#,
        ]
    );
    let ports = rows(&external, "Logical_Router_Port");
    let external = ports.iter().find(|port| port.contains("gateway-external")).unwrap();
    assert_eq!(
        external,
        r#"world-gateway: mac="0a:58:c0:00:02:01" name="world-gateway-external" networks=["set",["192.0.2.1/24","2001:db8::1/64"]]"#
    );
}

#[test]
fn a_switch_of_two_families_is_joined_once() {
    let mut external = external(&format!("addresses: [192.0.2.1/24]\nmode: routed\n{ONE}"));
    let mut second = external.networks[0].clone();
    second.subnet = "fd00:10::/64".parse().unwrap();
    second.gateway = Some("fd00:10::1".parse().unwrap());
    external.networks.push(second);
    let ports = rows(&external, "Logical_Router_Port");
    let port = ports.iter().find(|port| port.contains("router-blue")).unwrap();
    assert!(port.ends_with(r#"networks=["set",["10.10.0.1/24","fd00:10::1/64"]]"#), "{port}");
    let switch = rows(&external, "Logical_Switch_Port");
    assert_eq!(switch.iter().filter(|port| port.starts_with("blue: ")).count(), 1);
}

#[test]
fn only_the_families_that_are_used_get_addresses() {
    let external = external(&format!("addresses: [192.0.2.1/24]\nmode: routed\n{ONE}"));
    assert_eq!(external.join_addresses(1), ["100.127.255.1/30".parse().unwrap()]);
    assert_eq!(external.destinations(), ["0.0.0.0/0".parse().unwrap()]);
}

#[test]
fn pods_are_seen_by_our_address_and_published_ones_by_their_own() {
    let keys = "addresses: [192.0.2.1/24]\nmode: nat\npublish: {192.0.2.50: 10.10.0.11}\nvlan: 7\n";
    let external = external(&format!("{keys}{ONE}"));
    assert_eq!(
        rows(&external, "NAT"),
        [
            r#"world-gateway: external_ip="192.0.2.1" logical_ip="10.10.0.0/24" type="snat""#,
            r#"world-gateway: external_ip="192.0.2.50" logical_ip="10.10.0.11" type="dnat_and_snat""#,
        ]
    );
    let ports = rows(&external, "Logical_Switch_Port");
    let localnet = ports.iter().find(|port| port.contains("localnet")).unwrap();
    assert!(
        localnet.contains(r#"["network_name","physnet1"]"#)
            && localnet.contains(r#"tag=["set",[7]]"#)
    );
}

#[test]
fn a_switch_is_joined_and_a_router_made_only_where_the_file_says_so() {
    let keys = format!("addresses: [192.0.2.1/24]\nmode: routed\ncreateRouter: true\n{ONE}");
    let created = external(&keys);
    assert_eq!(rows(&created, "Logical_Router")[1], r#": name="cluster""#);
    assert!(rows(&created, "Logical_Switch_Port").iter().any(|port| port.starts_with("blue: ")));
    let joined = keys.replace("createRouter: true\n", "");
    let mut joined = external(&joined);
    joined.networks[0].switch = None;
    joined.networks[0].gateway = None;
    assert_eq!(rows(&joined, "Logical_Router").len(), 1);
    assert!(!rows(&joined, "Logical_Switch_Port").iter().any(|port| port.starts_with("blue: ")));
}
