//! Links: looking them up and changing them in as few requests as the kernel allows.

use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{LinkAttribute, LinkExtentMask, LinkFlags, LinkMessage, Prop};

use crate::{Error, Mac, Netns, Rtnl};

/// What the kernel says of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Interface index, valid in its namespace only.
    pub index: u32,
    /// Present name.
    pub name: String,
    /// Hardware address; `None` for links without an Ethernet one.
    pub mac: Option<Mac>,
    /// MTU in bytes.
    pub mtu: u32,
    /// Administratively up (`IFF_UP`).
    pub up: bool,
    /// Carrier present (`IFF_LOWER_UP`).
    pub carrier: bool,
    /// Index of the bridge, bond, ... it is a port of.
    pub controller: Option<u32>,
    /// Bus name of the device below, a PCI address for VFs (`IFLA_PARENT_DEV_NAME`, Linux 5.14).
    pub parent: Option<String>,
    /// Further names (`IFLA_ALT_IFNAME`).
    pub altnames: Vec<String>,
}

/// A change of one link, sent as one request. Unset fields stay as they are.
///
/// The kernel works through a request in the order namespace, MAC, MTU, name, flags
/// (`do_setlink`, net/core/rtnetlink.c) and keeps what it did when a later part fails.
#[derive(Debug, Default, Clone)]
pub struct LinkChange<'a> {
    /// Move to this namespace.
    pub netns: Option<&'a Netns>,
    /// New name.
    pub name: Option<&'a str>,
    /// New hardware address.
    pub mac: Option<Mac>,
    /// New MTU in bytes.
    pub mtu: Option<u32>,
    /// Make it a port of the bridge, bond, ... with this index.
    pub controller: Option<u32>,
    /// Set administratively up or down.
    pub up: Option<bool>,
}

impl LinkChange<'_> {
    fn message(&self, index: u32) -> LinkMessage {
        let mut message = LinkMessage::default();
        message.header.index = index;
        let attributes = &mut message.attributes;
        attributes.extend(self.netns.map(|ns| LinkAttribute::NetNsFd(ns.raw_fd())));
        attributes.extend(self.name.map(|name| LinkAttribute::IfName(name.to_owned())));
        attributes.extend(self.mac.map(|mac| LinkAttribute::Address(mac.0.to_vec())));
        attributes.extend(self.mtu.map(LinkAttribute::Mtu));
        attributes.extend(self.controller.map(LinkAttribute::Controller));
        if let Some(up) = self.up {
            message.header.change_mask = LinkFlags::Up;
            message.header.flags = if up { LinkFlags::Up } else { LinkFlags::empty() };
        }
        message
    }

    fn describe(&self, index: u32) -> String {
        let mut parts = Vec::new();
        parts.extend(self.netns.map(|ns| format!("move to {}", ns.path().display())));
        parts.extend(self.name.map(|name| format!("rename to {name}")));
        parts.extend(self.mac.map(|mac| format!("set MAC {mac}")));
        parts.extend(self.mtu.map(|mtu| format!("set MTU {mtu}")));
        parts.extend(self.controller.map(|index| format!("make a port of link {index}")));
        parts.extend(self.up.map(|up| format!("set {}", if up { "up" } else { "down" })));
        format!("{} of link {index}", parts.join(", "))
    }
}

impl Rtnl {
    /// The link called `name`, or `None`.
    ///
    /// # Errors
    /// The kernel refuses for another reason than absence.
    pub fn link_by_name(&self, name: &str) -> Result<Option<Link>, Error> {
        let mut request = LinkMessage::default();
        request.attributes.push(LinkAttribute::IfName(name.to_owned()));
        self.get_link(request, || format!("look up link {name}"))
    }

    /// The link with this index, or `None`.
    ///
    /// # Errors
    /// As [`Rtnl::link_by_name`].
    pub fn link_by_index(&self, index: u32) -> Result<Option<Link>, Error> {
        let mut request = LinkMessage::default();
        request.header.index = index;
        self.get_link(request, || format!("look up link {index}"))
    }

    /// Every link of the namespace.
    ///
    /// # Errors
    /// The dump is refused.
    pub fn links(&self) -> Result<Vec<Link>, Error> {
        let mut request = LinkMessage::default();
        request.attributes.push(LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]));
        let answers =
            self.dump(RouteNetlinkMessage::GetLink(request), || "list the links".to_owned())?;
        Ok(answers.iter().filter_map(as_link).collect())
    }

    /// Applies `change` to the link with this index.
    ///
    /// # Errors
    /// [`Error::Refused`]; what the kernel did before the refused part stays done.
    pub fn set_link(&self, index: u32, change: &LinkChange<'_>) -> Result<(), Error> {
        let request = RouteNetlinkMessage::SetLink(change.message(index));
        self.change(request, 0, || change.describe(index))
    }

    fn get_link(
        &self,
        mut request: LinkMessage,
        operation: impl FnOnce() -> String,
    ) -> Result<Option<Link>, Error> {
        request.attributes.push(LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]));
        match self.get(RouteNetlinkMessage::GetLink(request), operation) {
            Ok(answers) => Ok(answers.iter().find_map(as_link)),
            Err(e) if e.errno() == Some(libc::ENODEV) => Ok(None),
            Err(e) => Err(e),
        }
    }
}

fn as_link(answer: &RouteNetlinkMessage) -> Option<Link> {
    let RouteNetlinkMessage::NewLink(message) = answer else { return None };
    let flags = message.header.flags;
    let mut link = Link {
        index: message.header.index,
        name: String::new(),
        mac: None,
        mtu: 0,
        up: flags.contains(LinkFlags::Up),
        carrier: flags.contains(LinkFlags::LowerUp),
        controller: None,
        parent: None,
        altnames: Vec::new(),
    };
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::IfName(name) => link.name.clone_from(name),
            LinkAttribute::Address(bytes) => link.mac = Mac::from_slice(bytes),
            LinkAttribute::Mtu(mtu) => link.mtu = *mtu,
            LinkAttribute::Controller(index) => link.controller = Some(*index),
            LinkAttribute::ParentDevName(name) => {
                link.parent = Some(name.trim_end_matches('\0').to_owned());
            }
            LinkAttribute::PropList(properties) => {
                link.altnames = properties
                    .iter()
                    .filter_map(|p| match p {
                        Prop::AltIfName(name) => Some(name.clone()),
                        _ => None,
                    })
                    .collect();
            }
            _ => {}
        }
    }
    Some(link)
}
