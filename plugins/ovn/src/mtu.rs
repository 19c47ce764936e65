//! How much of a frame the tunnel leaves to a pod.

use std::net::IpAddr;

use hostnet::Rtnl;
use ovsdb::vswitch::OpenVswitch;

/// Geneve over IPv4: the inner Ethernet header 14, OVN's option 8, Geneve 8, UDP 8, IPv4 20 (RFC 8926;
/// `ovn-architecture`(7), "Tunnel Encapsulations").
const GENEVE: u32 = 58;
/// IPv6 has 40 for 20.
const IPV6: u32 = 20;
/// Of the link below, where it cannot be found.
const ETHERNET: u32 = 1500;

/// The MTU of pods on a chassis: that of the link with the tunnel's address, less what the tunnel adds.
pub(crate) fn of_tunnel(switch: &OpenVswitch, host: &Rtnl) -> u32 {
    let encap: Option<IpAddr> =
        switch.external_ids.get("ovn-encap-ip").and_then(|ip| ip.parse().ok());
    let Some(encap) = encap else { return ETHERNET - GENEVE };
    let index = host.holder_of(encap).unwrap_or_default();
    let below = index.and_then(|index| host.link_by_index(index).unwrap_or_default());
    let below = below.map_or(ETHERNET, |link| link.mtu);
    let overhead = if encap.is_ipv6() { GENEVE + IPV6 } else { GENEVE };
    below.saturating_sub(overhead)
}
