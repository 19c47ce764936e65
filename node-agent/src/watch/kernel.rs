//! The kernel's messages about devices (`lib/kobject_uevent.c`) and links (rtnetlink(7)). They only wake:
//! what there is, is read from sysfs.

use std::io;

use netlink_sys::protocols::{NETLINK_KOBJECT_UEVENT, NETLINK_ROUTE};
use netlink_sys::{AsyncSocket, AsyncSocketExt, SocketAddr, TokioSocket};
use tokio::sync::mpsc::Sender;

use super::Change;

/// The kernel's own messages, and not those that udev sends on.
const KERNEL: u32 = 1;
/// `RTMGRP_LINK`.
const LINKS: u32 = 1;

/// Subsystems whose devices matter here.
const SUBSYSTEMS: [&[u8]; 4] =
    [b"SUBSYSTEM=pci", b"SUBSYSTEM=net", b"SUBSYSTEM=vfio", b"SUBSYSTEM=uio"];

/// A socket, and which of its messages matter.
pub(super) struct Source {
    socket: TokioSocket,
    matters: fn(&[u8]) -> bool,
}

pub(super) fn sources() -> io::Result<[Source; 2]> {
    let open = |protocol, groups, matters| -> io::Result<Source> {
        let mut socket = TokioSocket::new(protocol)?;
        socket.socket_mut().bind(&SocketAddr::new(0, groups))?;
        Ok(Source { socket, matters })
    };
    Ok([open(NETLINK_KOBJECT_UEVENT, KERNEL, of_a_device)?, open(NETLINK_ROUTE, LINKS, |_| true)?])
}

pub(super) async fn follow(source: Source, changes: Sender<Change>) {
    loop {
        let matters = match source.socket.recv_from_full().await {
            Ok((message, _)) => (source.matters)(&message),
            // More came than the socket holds (ENOBUFS): something has changed in any case.
            Err(error) => {
                log::debug!("messages of the kernel: {error}");
                true
            }
        };
        // While others wait already, this one tells nothing new.
        if matters && changes.try_send(Change::Devices).is_err() && changes.is_closed() {
            return;
        }
    }
}

fn of_a_device(uevent: &[u8]) -> bool {
    uevent.split(|byte| *byte == 0).any(|field| SUBSYSTEMS.contains(&field))
}
