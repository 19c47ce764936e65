//! Our requests, byte for byte what `ip link set DEV vf 0 ...` of iproute2 sends for the same setting.
//!
//! What emulated hardware refuses (802.1ad, link state, minimum rate) has no other test against a
//! second implementation. The bytes are the attributes from `IFLA_VFINFO_LIST` on; the message's
//! header, interface index and sequence number are left out.

use netlink_packet_core::Emitable;

use super::*;

/// Size of `struct ifinfomsg`, which the attributes follow.
const IFINFOMSG: usize = 16;

fn attributes(settings: &VfSettings) -> String {
    let mut message = settings.request("eth0", 0);
    // iproute2 puts the index into the header instead of a name.
    assert!(matches!(message.attributes.remove(0), LinkAttribute::IfName(_)));
    let mut bytes = vec![0; message.buffer_len()];
    message.emit(&mut bytes);
    let hex: Vec<String> = bytes[IFINFOMSG..].iter().map(|byte| format!("{byte:02x}")).collect();
    hex.concat()
}

fn vlan(qos: u8, proto: VlanProto) -> VfSettings {
    VfSettings { vlan: Some(Vlan { id: 100, qos, proto }), ..VfSettings::default() }
}

fn rate(min: u32, max: u32) -> VfSettings {
    VfSettings { rate: Some(Rate { min, max }), ..VfSettings::default() }
}

fn link_state(state: LinkState) -> VfSettings {
    VfSettings { link_state: Some(state), ..VfSettings::default() }
}

fn spoofchk(on: bool) -> VfSettings {
    VfSettings { spoofchk: Some(on), ..VfSettings::default() }
}

fn trust(on: bool) -> VfSettings {
    VfSettings { trust: Some(on), ..VfSettings::default() }
}

#[test]
fn a_vlan_is_sent_as_ip_link_sends_it() {
    // vlan 100
    let tagged = "180016001400010010000200000000006400000000000000";
    assert_eq!(attributes(&vlan(0, VlanProto::Q)), tagged);
    // vlan 100 qos 3
    let prioritized = "180016001400010010000200000000006400000003000000";
    assert_eq!(attributes(&vlan(3, VlanProto::Q)), prioritized);
}

#[test]
fn a_provider_vlan_is_a_list_with_its_ethertype_in_network_order() {
    // vlan 100 qos 3 proto 802.1ad
    let provider = "200016001c00010018000c001400010000000000640000000300000088a80000";
    assert_eq!(attributes(&vlan(3, VlanProto::Ad)), provider);
}

#[test]
fn a_link_state_is_sent_as_ip_link_sends_it() {
    for (state, bytes) in [
        (LinkState::Auto, "14001600100001000c0005000000000000000000"),
        (LinkState::Enable, "14001600100001000c0005000000000001000000"),
        (LinkState::Disable, "14001600100001000c0005000000000002000000"),
    ] {
        assert_eq!(attributes(&link_state(state)), bytes, "state {state:?}");
    }
}

#[test]
fn both_rates_are_sent_as_ip_link_sends_them() {
    // min_tx_rate 10 max_tx_rate 100
    let both = "180016001400010010000600000000000a00000064000000";
    assert_eq!(attributes(&rate(10, 100)), both);
    // max_tx_rate 100
    let limit = "180016001400010010000600000000000000000064000000";
    assert_eq!(attributes(&rate(0, 100)), limit);
}

#[test]
fn a_mac_is_sent_as_ip_link_sends_it() {
    let mac = Some("02:00:00:00:00:10".parse().unwrap());
    let padding = "00".repeat(26);
    assert_eq!(
        attributes(&VfSettings { mac, ..VfSettings::default() }),
        format!("300016002c0001002800010000000000020000000010{padding}")
    );
}

#[test]
fn flags_are_sent_as_ip_link_sends_them() {
    for (settings, bytes) in [
        (spoofchk(true), "14001600100001000c0004000000000001000000"),
        (spoofchk(false), "14001600100001000c0004000000000000000000"),
        (trust(true), "14001600100001000c0009000000000001000000"),
        (trust(false), "14001600100001000c0009000000000000000000"),
    ] {
        assert_eq!(attributes(&settings), bytes, "{settings}");
    }
}
