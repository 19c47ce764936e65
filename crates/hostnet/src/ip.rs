//! Addresses and routes of a link.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnetwork::IpNetwork;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use netlink_packet_route::address::{AddressAttribute, AddressHeaderFlags, AddressMessage};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteMessage, RouteMetric, RouteNextHop, RouteScope,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use rtnetlink::{AddressMessageBuilder, RouteMessageBuilder};

use crate::{Error, Rtnl};

/// A route to add. Zero-length destinations are default routes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteSpec {
    /// Destination.
    pub dst: IpNetwork,
    /// Next hop; `None` for a destination on the link.
    pub gw: Option<IpAddr>,
    /// MTU of the route in bytes.
    pub mtu: Option<u32>,
    /// Advertised TCP maximum segment size in bytes.
    pub advmss: Option<u32>,
    /// Metric; lower wins.
    pub priority: Option<u32>,
    /// Routing table number, main when unset.
    pub table: Option<u32>,
    /// Scope as in `rtnetlink(7)`: 0 universe, 253 link, 254 host.
    pub scope: Option<u8>,
}

impl Rtnl {
    /// Adds an address to the link; one that is there already is left as it is. IPv6 addresses are
    /// usable at once, without duplicate detection (`IFA_F_NODAD`): whoever leases them keeps them
    /// apart, and some cards reflect a pod's own announcement, which would look like a duplicate.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub fn add_address(&self, index: u32, address: IpNetwork) -> Result<(), Error> {
        let request = RouteNetlinkMessage::NewAddress(address_message(index, address));
        self.change(request, NLM_F_CREATE | NLM_F_REPLACE, || {
            format!("add address {address} to link {index}")
        })
    }

    /// Addresses of the link, with prefix lengths.
    ///
    /// # Errors
    /// The dump is refused.
    pub fn addresses(&self, index: u32) -> Result<Vec<IpNetwork>, Error> {
        let messages = self.dump_addresses()?;
        Ok(messages.iter().filter(|m| m.header.index == index).filter_map(address_of).collect())
    }

    /// Index of the link that has this address, if one does.
    ///
    /// # Errors
    /// The dump is refused.
    pub fn holder_of(&self, address: IpAddr) -> Result<Option<u32>, Error> {
        let has = |m: &&AddressMessage| address_of(m).is_some_and(|one| one.ip() == address);
        Ok(self.dump_addresses()?.iter().find(has).map(|m| m.header.index))
    }

    fn dump_addresses(&self) -> Result<Vec<AddressMessage>, Error> {
        let request = RouteNetlinkMessage::GetAddress(AddressMessage::default());
        let answers = self.dump(request, || "list the addresses".to_owned())?;
        let message = |answer| match answer {
            RouteNetlinkMessage::NewAddress(message) => Some(message),
            _ => None,
        };
        Ok(answers.into_iter().filter_map(message).collect())
    }

    /// Adds a route through the link.
    ///
    /// # Errors
    /// [`Error::Refused`], `EEXIST` when the same route is there already.
    pub fn add_route(&self, index: u32, route: &RouteSpec) -> Result<(), Error> {
        let request = RouteNetlinkMessage::NewRoute(route_message(index, route));
        self.change(request, NLM_F_CREATE | NLM_F_EXCL, || {
            let via = route.gw.map(|gw| format!(" via {gw}")).unwrap_or_default();
            format!("add route {}{via} on link {index}", route.dst)
        })
    }

    /// Destinations and next hops of the link's routes in every table, default routes as /0.
    ///
    /// # Errors
    /// The dump is refused.
    pub fn routes(&self, index: u32) -> Result<Vec<(IpNetwork, Option<IpAddr>)>, Error> {
        let mut routes = Vec::new();
        for family in [AddressFamily::Inet, AddressFamily::Inet6] {
            let messages = self.dump_routes(family)?;
            routes.extend(messages.iter().filter_map(|message| route_of(message, index)));
        }
        Ok(routes)
    }

    /// Removes the link's default routes of one family from every table.
    ///
    /// # Errors
    /// The dump is refused; [`Error::Refused`] for one that cannot be removed.
    pub fn remove_default_routes(&self, index: u32, v6: bool) -> Result<(), Error> {
        let family = if v6 { AddressFamily::Inet6 } else { AddressFamily::Inet };
        for mut message in self.dump_routes(family)? {
            let default = route_of(&message, index).filter(|(dst, _)| dst.prefix() == 0);
            let Some((_, gw)) = default else { continue };
            // Only what identifies it: the kernel does not take back all that it tells.
            message.attributes.retain(|attribute| {
                use RouteAttribute::{Gateway, Oif, Priority, Table, Via};
                matches!(attribute, Gateway(_) | Oif(_) | Priority(_) | Table(_) | Via(_))
            });
            self.change(RouteNetlinkMessage::DelRoute(message), 0, || {
                let via = gw.map(|gw| format!(" via {gw}")).unwrap_or_default();
                format!("remove the default route{via} of link {index}")
            })?;
        }
        Ok(())
    }

    fn dump_routes(&self, family: AddressFamily) -> Result<Vec<RouteMessage>, Error> {
        let mut request = RouteMessage::default();
        request.header.address_family = family;
        let answers =
            self.dump(RouteNetlinkMessage::GetRoute(request), || "list the routes".to_owned())?;
        Ok(answers
            .into_iter()
            .filter_map(|answer| match answer {
                RouteNetlinkMessage::NewRoute(message) => Some(message),
                _ => None,
            })
            .flat_map(one_hop_each)
            .collect())
    }
}

/// IPv6 makes one route of all those to the same destination with the same metric, of whatever link;
/// each can be removed by itself. Here they are as they were added.
fn one_hop_each(message: RouteMessage) -> Vec<RouteMessage> {
    let hops = message.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::MultiPath(hops) => Some(hops.clone()),
        _ => None,
    });
    let Some(hops) = hops.filter(|_| message.header.address_family == AddressFamily::Inet6) else {
        return vec![message];
    };
    let of_hop = |hop: RouteNextHop| {
        let mut route = message.clone();
        route.attributes.retain(|attribute| !matches!(attribute, RouteAttribute::MultiPath(_)));
        route.attributes.push(RouteAttribute::Oif(hop.interface_index));
        route.attributes.extend(hop.attributes);
        route
    };
    hops.into_iter().map(of_hop).collect()
}

fn route_of(message: &RouteMessage, link: u32) -> Option<(IpNetwork, Option<IpAddr>)> {
    let to_ip = |address: &RouteAddress| match address {
        RouteAddress::Inet(ip) => Some(IpAddr::V4(*ip)),
        RouteAddress::Inet6(ip) => Some(IpAddr::V6(*ip)),
        _ => None,
    };
    let v6 = message.header.address_family == AddressFamily::Inet6;
    let any = if v6 { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
    let (mut dst, mut gw, mut out) = (any, None, None);
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Destination(address) => dst = to_ip(address)?,
            RouteAttribute::Gateway(address) => gw = to_ip(address),
            RouteAttribute::Oif(index) => out = Some(*index),
            _ => {}
        }
    }
    let net = IpNetwork::new(dst, message.header.destination_prefix_length).ok()?;
    (out == Some(link)).then_some((net, gw))
}

fn address_message(index: u32, address: IpNetwork) -> AddressMessage {
    let mut message = match address {
        IpNetwork::V4(net) => AddressMessageBuilder::<Ipv4Addr>::new()
            .index(index)
            .address(net.ip(), net.prefix())
            .build(),
        IpNetwork::V6(net) => AddressMessageBuilder::<Ipv6Addr>::new()
            .index(index)
            .address(net.ip(), net.prefix())
            .build(),
    };
    if address.is_ipv6() {
        message.header.flags |= AddressHeaderFlags::Nodad;
    }
    message
}

fn address_of(message: &AddressMessage) -> Option<IpNetwork> {
    let local = |a: &AddressAttribute| match a {
        AddressAttribute::Local(ip) => Some(*ip),
        _ => None,
    };
    let remote = |a: &AddressAttribute| match a {
        AddressAttribute::Address(ip) => Some(*ip),
        _ => None,
    };
    let attributes = &message.attributes;
    let ip = attributes.iter().find_map(local).or_else(|| attributes.iter().find_map(remote))?;
    IpNetwork::new(ip, message.header.prefix_len).ok()
}

fn route_message(index: u32, route: &RouteSpec) -> RouteMessage {
    let mut message = match route.dst {
        IpNetwork::V4(dst) => {
            let builder = RouteMessageBuilder::<Ipv4Addr>::new()
                .destination_prefix(dst.network(), dst.prefix())
                .output_interface(index);
            match route.gw {
                Some(IpAddr::V4(gw)) => builder.gateway(gw).build(),
                Some(IpAddr::V6(gw)) => builder.via(gw).build(),
                None => builder.scope(RouteScope::Link).build(),
            }
        }
        IpNetwork::V6(dst) => {
            let builder = RouteMessageBuilder::<Ipv6Addr>::new()
                .destination_prefix(dst.network(), dst.prefix())
                .output_interface(index);
            match route.gw {
                Some(IpAddr::V6(gw)) => builder.gateway(gw).build(),
                _ => builder.build(),
            }
        }
    };
    if let Some(scope) = route.scope {
        message.header.scope = scope.into();
    }
    if let Some(table) = route.table {
        message.attributes.push(RouteAttribute::Table(table));
    }
    if let Some(priority) = route.priority {
        message.attributes.push(RouteAttribute::Priority(priority));
    }
    let metrics: Vec<RouteMetric> = route
        .mtu
        .map(RouteMetric::Mtu)
        .into_iter()
        .chain(route.advmss.map(RouteMetric::Advmss))
        .collect();
    if !metrics.is_empty() {
        message.attributes.push(RouteAttribute::Metrics(metrics));
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Netns;

    #[test]
    fn the_holder_of_an_address_is_found() {
        let Ok(netns) = Netns::fresh() else { testkit::skip!("needs root") };
        let here = Rtnl::here().unwrap().inside(&netns).unwrap();
        here.add_bridge("br").unwrap();
        let index = here.link_by_name("br").unwrap().unwrap().index;
        here.add_address(index, "10.0.0.1/24".parse().unwrap()).unwrap();
        let holder = |ip: &str| here.holder_of(ip.parse().unwrap()).unwrap();
        assert_eq!((holder("10.0.0.1"), holder("10.0.0.2")), (Some(index), None));
    }
}
