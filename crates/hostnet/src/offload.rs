//! Offloads of a link (ethtool(8), `include/uapi/linux/ethtool.h`).

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use crate::{Error, Netns};

/// `ETHTOOL_STXCSUM`: whether the card makes the checksums of what is sent.
const SET_TX_CHECKSUM: u32 = 0x17;

/// `struct ethtool_value`.
#[repr(C)]
struct Value {
    command: u32,
    data: u32,
}

/// Makes the kernel compute the checksums of what it sends on a link of a namespace. A switch in user space
/// that has the other end does not know that a card was to do it.
///
/// # Errors
/// The namespace cannot be entered, there is no such link, or its driver refuses.
pub fn compute_checksums(netns: &Netns, name: &str) -> Result<(), Error> {
    let set = || -> io::Result<()> {
        let socket = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
        set_value(&socket, name, Value { command: SET_TX_CHECKSUM, data: 0 })
    };
    netns.run(set)?.map_err(|source| Error::Inside { path: netns.path().to_owned(), source })
}

#[expect(unsafe_code, reason = "no safe wrapper sets an offload")]
fn set_value(socket: &OwnedFd, name: &str, mut value: Value) -> io::Result<()> {
    if name.len() >= libc::IFNAMSIZ {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: the type is plain data of the kernel's, of which zero is a valid value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = libc::c_char::from_ne_bytes([from]);
    }
    request.ifr_ifru.ifru_data = (&raw mut value).cast();
    // SAFETY: `request` and the `value` that it points to are live for the call, and of the shapes that
    // SIOCETHTOOL reads with this command. The descriptor is open, as `socket` owns it.
    let done = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCETHTOOL, &raw mut request) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
