//! Making links: pairs and bridges, for who measures.

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoVeth, LinkAttribute, LinkInfo, LinkMessage,
};

use crate::{Error, Netns, Rtnl};

impl Rtnl {
    /// Makes a veth pair: `name` here, `peer` in that namespace. Both go when one does, or its namespace.
    ///
    /// # Errors
    /// A name is taken, ...
    pub fn add_veth(&self, name: &str, peer: &str, peer_netns: &Netns) -> Result<(), Error> {
        let mut other = LinkMessage::default();
        other.attributes.push(LinkAttribute::IfName(peer.to_owned()));
        other.attributes.push(LinkAttribute::NetNsFd(peer_netns.raw_fd()));
        let data = InfoData::Veth(InfoVeth::Peer(other));
        self.add_link(name, InfoKind::Veth, Some(data))
    }

    /// Makes a bridge.
    ///
    /// # Errors
    /// The name is taken, ...
    pub fn add_bridge(&self, name: &str) -> Result<(), Error> {
        self.add_link(name, InfoKind::Bridge, None)
    }

    /// Removes a link; one that is gone already is fine.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn remove_link(&self, name: &str) -> Result<(), Error> {
        let mut message = LinkMessage::default();
        message.attributes.push(LinkAttribute::IfName(name.to_owned()));
        let request = RouteNetlinkMessage::DelLink(message);
        match self.change(request, 0, || format!("remove link {name}")) {
            Err(e) if e.errno() == Some(libc::ENODEV) => Ok(()),
            done => done,
        }
    }

    fn add_link(&self, name: &str, kind: InfoKind, data: Option<InfoData>) -> Result<(), Error> {
        let info = [LinkInfo::Kind(kind)].into_iter().chain(data.map(LinkInfo::Data));
        let mut message = LinkMessage::default();
        message.attributes.push(LinkAttribute::IfName(name.to_owned()));
        message.attributes.push(LinkAttribute::LinkInfo(info.collect()));
        let request = RouteNetlinkMessage::NewLink(message);
        self.change(request, NLM_F_CREATE | NLM_F_EXCL, || format!("make link {name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_in_a_fresh_namespace_goes_with_it() {
        let Ok(netns) = Netns::fresh() else { testkit::skip!("needs root") };
        let other = Netns::fresh().unwrap();
        let here = Rtnl::here().unwrap().inside(&netns).unwrap();
        here.add_bridge("br").unwrap();
        here.add_veth("a", "b", &other).unwrap();
        let bridge = here.link_by_name("br").unwrap().unwrap();
        let port = here.link_by_name("a").unwrap().unwrap();
        let plug = crate::LinkChange {
            controller: Some(bridge.index),
            up: Some(true),
            ..crate::LinkChange::default()
        };
        here.set_link(port.index, &plug).unwrap();
        assert_eq!(here.link_by_name("a").unwrap().unwrap().controller, Some(bridge.index));
        assert!(here.add_bridge("br").is_err());
        let there = here.inside(&other).unwrap();
        assert!(there.link_by_name("b").unwrap().is_some());
        here.remove_link("a").unwrap();
        here.remove_link("a").unwrap();
        assert!(there.link_by_name("b").unwrap().is_none());
        assert!(!netns.id().unwrap().is_same(&Netns::current().unwrap().id().unwrap()));
    }
}
