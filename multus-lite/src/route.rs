//! `default-route`: the pod's default route goes through the attachment that asks for it
//! (multi-net-spec 4.1.2.1, "default-route").

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use cni::{AddResult, Interface, Route};
use hostnet::{Netns, RouteSpec, Rtnl};
use ipnetwork::IpNetwork;

use crate::error::MultusError;

/// An attachment with what came of it.
pub(crate) struct Attached<'a> {
    /// Gateways asked for; an empty list asks for this network's own.
    pub(crate) default_route: Option<&'a [IpAddr]>,
    pub(crate) result: &'a mut AddResult,
}

/// Removes the default routes of all others, of the families that are asked for, and adds the
/// gateways that are. The results tell it, so that CHECK finds what they say.
pub(crate) fn apply(attached: &mut [Attached<'_>], netns: &Netns) -> Result<(), MultusError> {
    let Some(chosen) = attached.iter().position(|one| one.default_route.is_some()) else {
        return Ok(());
    };
    let gateways = attached[chosen].default_route.unwrap_or_default().to_vec();
    let families = families(&gateways, attached[chosen].result);
    let pod = Rtnl::here()?.inside(netns)?;
    for (index, one) in attached.iter_mut().enumerate() {
        if index != chosen {
            remove(&pod, netns.path(), one.result, &families)?;
        }
    }
    if gateways.is_empty() {
        return Ok(());
    }
    let result = &mut *attached[chosen].result;
    remove(&pod, netns.path(), result, &families)?;
    let Some(name) = in_pod(result, netns.path()).next().map(|i| i.name.clone()) else {
        // A device without kernel interface: its application reads the routes from the result.
        result.routes.extend(gateways.iter().copied().map(default_route));
        return Ok(());
    };
    let Some(link) = pod.link_by_name(&name)? else { return Err(MultusError::NoInterface(name)) };
    for gateway in gateways {
        let route = default_route(gateway);
        let (dst, gw) = (route.dst, route.gw);
        let spec = RouteSpec {
            dst,
            gw,
            mtu: None,
            advmss: None,
            priority: None,
            table: None,
            scope: None,
        };
        pod.add_route(link.index, &spec)?;
        result.routes.push(route);
    }
    Ok(())
}

/// True for IPv6: the families whose default route moves.
fn families(gateways: &[IpAddr], own: &AddResult) -> BTreeSet<bool> {
    if gateways.is_empty() {
        own.routes.iter().filter(|route| route.dst.prefix() == 0).map(|r| r.dst.is_ipv6()).collect()
    } else {
        gateways.iter().map(IpAddr::is_ipv6).collect()
    }
}

fn remove(
    pod: &Rtnl,
    netns: &Path,
    result: &mut AddResult,
    families: &BTreeSet<bool>,
) -> Result<(), MultusError> {
    for interface in in_pod(result, netns) {
        let Some(link) = pod.link_by_name(&interface.name)? else { continue };
        for v6 in families {
            pod.remove_default_routes(link.index, *v6)?;
        }
    }
    result
        .routes
        .retain(|route| route.dst.prefix() != 0 || !families.contains(&route.dst.is_ipv6()));
    Ok(())
}

fn in_pod<'a>(result: &'a AddResult, netns: &'a Path) -> impl Iterator<Item = &'a Interface> {
    let inside =
        move |interface: &&Interface| interface.sandbox.as_deref().map(Path::new) == Some(netns);
    result.interfaces.iter().filter(inside)
}

fn default_route(gw: IpAddr) -> Route {
    let any: IpAddr = match gw {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let all = IpNetwork::with_netmask(any, any);
    Route {
        dst: all.unwrap_or_else(|_| any.into()),
        gw: Some(gw),
        mtu: None,
        advmss: None,
        priority: None,
        table: None,
        scope: None,
    }
}
