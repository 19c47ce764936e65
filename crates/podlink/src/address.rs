//! Addresses and routes inside the pod, and telling the neighbours.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use cni::AddResult;
use hostnet::{Error, Netns, RouteSpec, Rtnl, announce};

/// A VF's carrier follows the PF's mailbox, say; announcing before it is there reaches nobody.
const CARRIER_DEADLINE: Duration = Duration::from_millis(200);

/// Configures what IPAM returned on the pod's interface. `pod` is a socket in its namespace.
///
/// # Errors
/// The kernel refuses an address or a route.
pub fn configure(pod: &Rtnl, ifname: &str, leased: &AddResult) -> Result<(), Error> {
    let Some(link) = pod.link_by_name(ifname)? else { return Ok(()) };
    for ip in &leased.ips {
        pod.add_address(link.index, ip.address)?;
    }
    for route in routes(leased) {
        pod.add_route(link.index, &route)?;
    }
    Ok(())
}

/// A route without next hop goes to the gateway of its family, as in the reference plugins.
pub(crate) fn routes(leased: &AddResult) -> Vec<RouteSpec> {
    let gateway =
        |v4: bool| leased.ips.iter().filter_map(|ip| ip.gateway).find(|g| g.is_ipv4() == v4);
    leased
        .routes
        .iter()
        .map(|route| RouteSpec {
            dst: route.dst,
            gw: route.gw.or_else(|| gateway(route.dst.is_ipv4())),
            mtu: route.mtu,
            advmss: route.advmss,
            priority: route.priority,
            table: route.table,
            scope: route.scope.and_then(|s| u8::try_from(s).ok()),
        })
        .collect()
}

/// Tells the neighbours of these addresses, as soon as frames of the interface reach them. `pod` is a socket in
/// `netns`. Nobody fails for an announcement: neighbours find the address a little later without it.
pub fn announce(netns: &Netns, pod: &Rtnl, ifname: &str, leased: &AddResult) {
    let end = Instant::now() + CARRIER_DEADLINE;
    let link = loop {
        match pod.link_by_name(ifname) {
            Ok(Some(link)) if link.carrier || Instant::now() >= end => break link,
            Ok(Some(_)) => std::thread::sleep(Duration::from_millis(5)),
            _ => return,
        }
    };
    let Some(mac) = link.mac else { return };
    let addresses: Vec<IpAddr> = leased.ips.iter().map(|ip| ip.address.ip()).collect();
    if let Err(e) = announce::announce(netns, link.index, mac, &addresses) {
        log::warn!("announce the addresses of {ifname}: {}", cni::chain(&e));
    }
}
