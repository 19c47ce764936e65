//! Announcing new addresses on the link: gratuitous ARP (RFC 5227 section 3) and unsolicited neighbour
//! advertisements (RFC 4861 section 7.2.6), so that switches and neighbours learn a moved address.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use crate::{Error, Mac, Netns};

const ETH_P_ARP: u16 = 0x0806;
const ETH_P_IPV6: u16 = 0x86dd;
const BROADCAST: [u8; 6] = [0xff; 6];
/// Ethernet address of the all-nodes group `ff02::1` (RFC 2464 section 7).
const ALL_NODES: [u8; 6] = [0x33, 0x33, 0, 0, 0, 1];

/// Sends one announcement per address from the link `index` of `netns`.
///
/// # Errors
/// The namespace cannot be entered or a frame cannot be sent (the link is down, say).
pub fn announce(netns: &Netns, index: u32, mac: Mac, addresses: &[IpAddr]) -> Result<(), Error> {
    let send_all = || -> io::Result<()> {
        let socket = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, None)?;
        addresses.iter().try_for_each(|address| match address {
            IpAddr::V4(ip) => send(&socket, index, ETH_P_ARP, &gratuitous_arp(mac, *ip)),
            IpAddr::V6(ip) => send(&socket, index, ETH_P_IPV6, &unsolicited_na(mac, *ip)),
        })
    };
    netns.run(send_all)?.map_err(|source| Error::Inside { path: netns.path().to_owned(), source })
}

/// Lets the kernel send the announcements by itself, whenever the MAC of the link is set, be it to the one that it has
/// (`arp_notify` and `ndisc_notify` of ip-sysctl.rst). It sends them at once, while to close a socket of
/// [`announce`] it waits for an RCU grace period. `proc` is where procfs is.
///
/// # Errors
/// The namespace cannot be entered or a setting cannot be written.
pub fn when_mac_is_set(proc: &Path, netns: &Netns, name: &str) -> Result<(), Error> {
    let set = || {
        for (family, setting) in [("ipv4", "arp_notify"), ("ipv6", "ndisc_notify")] {
            let path = proc.join("sys/net").join(family).join("conf").join(name).join(setting);
            match fs::write(path, "1") {
                // A kernel without the family has no addresses of it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                written => written?,
            }
        }
        Ok(())
    };
    netns.run(set)?.map_err(|source| Error::Inside { path: netns.path().to_owned(), source })
}

fn gratuitous_arp(mac: Mac, ip: Ipv4Addr) -> Vec<u8> {
    let mut frame = ethernet(BROADCAST, mac, ETH_P_ARP);
    // Ethernet, IPv4, address lengths 6 and 4, request: the form that RFC 5227 calls an ARP announcement.
    frame.extend([0, 1, 8, 0, 6, 4, 0, 1]);
    frame.extend(mac.0);
    frame.extend(ip.octets());
    frame.extend([0; 6]);
    frame.extend(ip.octets());
    frame
}

fn unsolicited_na(mac: Mac, ip: Ipv6Addr) -> Vec<u8> {
    let all_nodes = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
    // Type 136, code 0, checksum (below), flags: override; target; option 2: target link-layer address.
    let mut advertisement = vec![136, 0, 0, 0, 0x20, 0, 0, 0];
    advertisement.extend(ip.octets());
    advertisement.extend([2, 1]);
    advertisement.extend(mac.0);
    let length = u16::try_from(advertisement.len()).unwrap_or(u16::MAX);
    let checksum = icmpv6_checksum(ip, all_nodes, &advertisement);
    advertisement[2..4].copy_from_slice(&checksum.to_be_bytes());

    let mut frame = ethernet(ALL_NODES, mac, ETH_P_IPV6);
    frame.extend([0x60, 0, 0, 0]);
    frame.extend(length.to_be_bytes());
    frame.extend([58, 255]); // next header ICMPv6; hop limit 255, or receivers drop it
    frame.extend(ip.octets());
    frame.extend(all_nodes.octets());
    frame.extend(advertisement);
    frame
}

fn ethernet(to: [u8; 6], from: Mac, ethertype: u16) -> Vec<u8> {
    let mut frame = Vec::with_capacity(86);
    frame.extend(to);
    frame.extend(from.0);
    frame.extend(ethertype.to_be_bytes());
    frame
}

/// Internet checksum over the pseudo header and the message (RFC 4443 section 2.3).
fn icmpv6_checksum(from: Ipv6Addr, to: Ipv6Addr, message: &[u8]) -> u16 {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes();
    let bytes: Vec<u8> =
        [&from.octets()[..], &to.octets(), &length, &[0, 0, 0, 58], message].concat();
    let sum: u32 = bytes
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |b| u32::from(*b)))
        .sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !u16::try_from((folded & 0xffff) + (folded >> 16)).unwrap_or(0)
}

#[expect(unsafe_code, reason = "no safe wrapper takes an AF_PACKET address")]
fn send(socket: &OwnedFd, index: u32, ethertype: u16, frame: &[u8]) -> io::Result<()> {
    let invalid = |_| io::Error::from(io::ErrorKind::InvalidInput);
    let length = libc::socklen_t::try_from(size_of::<libc::sockaddr_ll>()).map_err(invalid)?;
    let address = libc::sockaddr_ll {
        sll_family: libc::sa_family_t::try_from(libc::AF_PACKET).map_err(invalid)?,
        sll_protocol: ethertype.to_be(),
        sll_ifindex: i32::try_from(index).map_err(invalid)?,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    };
    // SAFETY: `frame` and `address` are live for the call and passed with their own lengths; the
    // kernel only reads them. The descriptor is open, as `socket` owns it.
    let sent = unsafe {
        libc::sendto(
            socket.as_raw_fd(),
            frame.as_ptr().cast(),
            frame.len(),
            0,
            (&raw const address).cast(),
            length,
        )
    };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use nix::sys::socket::{MsgFlags, SockProtocol, recv, setsockopt, sockopt};
    use nix::sys::time::{TimeVal, TimeValLike};

    use super::*;
    use crate::{LinkChange, Rtnl};

    const MAC: Mac = Mac([2, 0, 0, 0, 0, 1]);

    #[test]
    fn the_kernel_announces_every_address_when_the_mac_is_set() {
        let Ok(host) = Netns::fresh() else { testkit::skip!("needs root") };
        let pod = Netns::fresh().unwrap();
        let outside = Rtnl::here().unwrap().inside(&host).unwrap();
        let inside = outside.inside(&pod).unwrap();
        outside.add_veth("outer", "inner", &pod).unwrap();
        let mac = LinkChange { mac: Some(MAC), ..LinkChange::default() };
        let up = LinkChange { up: Some(true), ..mac.clone() };
        let inner = inside.link_by_name("inner").unwrap().unwrap().index;
        inside.set_link(inner, &up).unwrap();
        let outer = outside.link_by_name("outer").unwrap().unwrap().index;
        outside.set_link(outer, &LinkChange { mac: None, ..up }).unwrap();
        for address in ["10.0.0.1/24", "10.0.0.2/24", "fd00::1/64"] {
            inside.add_address(inner, address.parse().unwrap()).unwrap();
        }
        let all = SockProtocol::EthAll;
        let (family, flags) = (AddressFamily::Packet, SockFlag::SOCK_CLOEXEC);
        let witness = host.run(|| socket(family, SockType::Raw, flags, all)).unwrap().unwrap();
        setsockopt(&witness, sockopt::ReceiveTimeout, &TimeVal::seconds(5)).unwrap();

        when_mac_is_set(Path::new("/proc"), &pod, "inner").unwrap();
        inside.set_link(inner, &mac).unwrap();
        let mut missing = vec![
            gratuitous_arp(MAC, Ipv4Addr::new(10, 0, 0, 1)),
            gratuitous_arp(MAC, Ipv4Addr::new(10, 0, 0, 2)),
            unsolicited_na(MAC, "fd00::1".parse().unwrap()),
        ];
        let mut frame = [0; 1514];
        while !missing.is_empty() {
            let length = recv(witness.as_raw_fd(), &mut frame, MsgFlags::empty());
            let length = length.unwrap_or_else(|error| panic!("{error}: {missing:x?}"));
            missing.retain(|one| *one != frame[..length]);
        }
    }

    #[test]
    fn arp_announcement_has_sender_and_target_equal() {
        let frame = gratuitous_arp(MAC, Ipv4Addr::new(10, 0, 0, 1));
        assert_eq!(frame.len(), 42);
        assert_eq!(frame[28..32], [10, 0, 0, 1]);
        assert_eq!(frame[38..42], [10, 0, 0, 1]);
    }

    #[test]
    fn neighbour_advertisement_sums_to_all_ones() {
        let ip: Ipv6Addr = "fd00::1".parse().unwrap();
        let frame = unsolicited_na(MAC, ip);
        assert_eq!(frame.len(), 14 + 40 + 32);
        let to = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
        // A message that carries its checksum sums to zero (RFC 1071 section 1).
        assert_eq!(icmpv6_checksum(ip, to, &frame[54..]), 0);
    }
}
