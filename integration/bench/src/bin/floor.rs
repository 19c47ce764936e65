//! The floor under every attachment: the netlink requests that giving a VF with a VLAN to a pod
//! needs, and nothing else. No configuration, record, lock, check or undo.
//!
//! `floor add PF INDEX VF-NETDEV NETNS IFNAME VLAN` and `floor del ...` with the same words.

#![expect(clippy::disallowed_methods, reason = "needs no crate of ours, so it enters by itself")]

use std::env;
use std::error::Error;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

use netlink_packet_core::{NLM_F_ACK, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    LinkAttribute, LinkExtentMask, LinkFlags, LinkMessage, LinkVfInfo, VfInfo, VfInfoVlan,
};
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};
use nix::sched::{CloneFlags, setns};

/// Enough for any link without its VFs and statistics.
const ANSWER: usize = 16 * 1024;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let [verb, pf, index, netdev, netns, ifname, vlan] = words[..] else {
        return Err("usage: floor add|del PF INDEX VF-NETDEV NETNS IFNAME VLAN".into());
    };
    let (index, vlan) = (index.parse()?, vlan.parse()?);
    match verb {
        "add" => add(pf, index, netdev, netns, ifname, vlan),
        "del" => del(pf, index, netdev, netns, ifname),
        _ => Err("add or del".into()),
    }
}

fn add(
    pf: &str,
    index: u32,
    netdev: &str,
    netns: &str,
    ifname: &str,
    vlan: u32,
) -> Result<(), Box<dyn Error>> {
    let netns = File::open(netns)?;
    let host = connect()?;
    setns(&netns, CloneFlags::CLONE_NEWNET)?;
    let pod = connect()?;

    let vf = look_up(&host, netdev)?;
    set_vlan(&host, look_up(&host, pf)?, index, vlan)?;
    move_to(&host, vf, &netns, ifname)?;
    let moved = look_up(&pod, ifname)?;
    let mut up = LinkMessage::default();
    up.header.index = moved;
    up.header.flags = LinkFlags::Up;
    up.header.change_mask = LinkFlags::Up;
    set(&pod, up)
}

fn del(
    pf: &str,
    index: u32,
    netdev: &str,
    netns: &str,
    ifname: &str,
) -> Result<(), Box<dyn Error>> {
    let home = File::open("/proc/thread-self/ns/net")?;
    let host = connect()?;
    setns(File::open(netns)?, CloneFlags::CLONE_NEWNET)?;
    let pod = connect()?;

    set_vlan(&host, look_up(&host, pf)?, index, 0)?;
    let link = look_up(&pod, ifname)?;
    // The move itself takes the link down.
    move_to(&pod, link, &home, netdev)
}

fn set_vlan(socket: &Socket, pf: u32, index: u32, vlan: u32) -> Result<(), Box<dyn Error>> {
    let mut message = LinkMessage::default();
    message.header.index = pf;
    let info = LinkVfInfo(vec![VfInfo::Vlan(VfInfoVlan::new(index, vlan, 0))]);
    message.attributes.push(LinkAttribute::VfInfoList(vec![info]));
    set(socket, message)
}

fn move_to(socket: &Socket, link: u32, netns: &File, name: &str) -> Result<(), Box<dyn Error>> {
    let mut message = LinkMessage::default();
    message.header.index = link;
    message.attributes.push(LinkAttribute::NetNsFd(netns.as_raw_fd()));
    message.attributes.push(LinkAttribute::IfName(name.to_owned()));
    set(socket, message)
}

fn look_up(socket: &Socket, name: &str) -> Result<u32, Box<dyn Error>> {
    let mut message = LinkMessage::default();
    message.attributes.push(LinkAttribute::IfName(name.to_owned()));
    message.attributes.push(LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]));
    match exchange(socket, RouteNetlinkMessage::GetLink(message), 0)? {
        NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewLink(link)) => Ok(link.header.index),
        _ => Err("an answer of another kind".into()),
    }
}

fn set(socket: &Socket, message: LinkMessage) -> Result<(), Box<dyn Error>> {
    exchange(socket, RouteNetlinkMessage::SetLink(message), NLM_F_ACK).map(|_| ())
}

fn connect() -> io::Result<Socket> {
    let socket = Socket::new(NETLINK_ROUTE)?;
    socket.connect(&SocketAddr::new(0, 0))?;
    Ok(socket)
}

fn exchange(
    socket: &Socket,
    request: RouteNetlinkMessage,
    flags: u16,
) -> Result<NetlinkPayload<RouteNetlinkMessage>, Box<dyn Error>> {
    let mut message = NetlinkMessage::from(request);
    message.header.flags = NLM_F_REQUEST | flags;
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    socket.send(&bytes, 0)?;
    let mut answer = Vec::with_capacity(ANSWER);
    socket.recv(&mut answer, 0)?;
    match NetlinkMessage::deserialize(&answer)?.payload {
        NetlinkPayload::Error(e) if e.code.is_some() => Err(e.to_io().into()),
        payload => Ok(payload),
    }
}
