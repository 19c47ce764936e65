//! The packet socket and the ring of received frames that it shares with the kernel (packet(7),
//! `Documentation/networking/packet_mmap.rst`; numbers and layouts from `linux/if_packet.h`).

#![expect(unsafe_code, reason = "no safe wrapper knows packet sockets' options, or the ring")]

use std::ffi::{c_int, c_uint, c_ushort, c_void};
use std::io;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use crate::frame::{Frame, Stamps};
use crate::probe::ETHERTYPE;

const PACKET_ADD_MEMBERSHIP: c_int = 1;
const PACKET_RX_RING: c_int = 5;
const PACKET_STATISTICS: c_int = 6;
const PACKET_VERSION: c_int = 10;
const PACKET_TIMESTAMP: c_int = 17;
const PACKET_MR_PROMISC: c_ushort = 1;
/// Hands over frame by frame, where `TPACKET_V3` fills blocks first.
const TPACKET_V2: c_int = 1;
const TP_STATUS_KERNEL: u32 = 0;
const TP_STATUS_USER: u32 = 1;

/// `struct tpacket_req`.
#[repr(C)]
struct RingRequest {
    block_size: c_uint,
    block_count: c_uint,
    slot_size: c_uint,
    slot_count: c_uint,
}

/// A slot has room for the kernel's header and the first 190 bytes of a frame: its head is all that is
/// read, so a long frame costs no more copying than a short one. So many of them let the taker sleep for
/// 16 ms at 1 Mpps; 4 MiB.
const RING: RingRequest = RingRequest {
    block_size: 1 << 16,
    block_count: 1 << 6,
    slot_size: 1 << 8,
    slot_count: 1 << 14,
};
pub(crate) const SLOT: usize = RING.slot_size as usize;
const SLOTS: usize = RING.slot_count as usize;

/// `struct packet_mreq`.
#[repr(C)]
struct Membership {
    index: c_int,
    kind: c_ushort,
    address_len: c_ushort,
    address: [u8; 8],
}

/// `struct tpacket_stats`; reading it sets it to zero.
#[repr(C)]
#[derive(Default)]
struct Statistics {
    packets: c_uint,
    drops: c_uint,
}

const NOWHERE: libc::sockaddr_ll = libc::sockaddr_ll {
    sll_family: 0,
    sll_protocol: 0,
    sll_ifindex: 0,
    sll_hatype: 0,
    sll_pkttype: 0,
    sll_halen: 0,
    sll_addr: [0; 8],
};

/// A socket that takes the frames of our `EtherType` from one interface, whatever their destination.
#[derive(Debug)]
pub(crate) struct Ring {
    socket: OwnedFd,
    slots: NonNull<c_void>,
    next: usize,
}

// SAFETY: the mapping belongs to this value alone and to no thread; only `&mut self` reads or writes it.
unsafe impl Send for Ring {}

impl Ring {
    /// A socket in the namespace of the calling thread.
    pub(crate) fn open(index: u32) -> io::Result<Self> {
        // Of no protocol until it is bound: it would take the frames of all interfaces meanwhile.
        let socket = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, None)?;
        set(&socket, libc::SOL_PACKET, PACKET_VERSION, &TPACKET_V2)?;
        // The kernel stamps all frames at their device while any socket wants it. Unless this one does,
        // the point that is measured depends on what else runs on the machine.
        let at_the_device = libc::SOF_TIMESTAMPING_RX_SOFTWARE;
        set(&socket, libc::SOL_SOCKET, libc::SO_TIMESTAMPING, &at_the_device)?;
        set(&socket, libc::SOL_PACKET, PACKET_RX_RING, &RING)?;
        let ring = Self { slots: map(&socket)?, socket, next: 0 };
        ring.bind(index)?;
        Ok(ring)
    }

    fn bind(&self, index: u32) -> io::Result<()> {
        let invalid = |_| io::Error::from(io::ErrorKind::InvalidInput);
        let index = c_int::try_from(index).map_err(invalid)?;
        let promiscuous =
            Membership { index, kind: PACKET_MR_PROMISC, address_len: 0, address: [0; 8] };
        set(&self.socket, libc::SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous)?;
        // One protocol: unlike with ETH_P_ALL, what this host sends never comes back to the socket.
        let address = libc::sockaddr_ll {
            sll_family: libc::sa_family_t::try_from(libc::AF_PACKET).map_err(invalid)?,
            sll_protocol: ETHERTYPE.to_be(),
            sll_ifindex: index,
            ..NOWHERE
        };
        // SAFETY: `address` is live for the call, which only reads it, and is passed with its own length.
        let status = unsafe {
            libc::bind(self.raw_fd(), (&raw const address).cast(), length::<libc::sockaddr_ll>())
        };
        done(status)
    }

    /// The hardware address of its interface; `None` where that is no Ethernet one.
    pub(crate) fn mac(&self) -> io::Result<Option<[u8; 6]>> {
        let mut address = NOWHERE;
        let mut length = length::<libc::sockaddr_ll>();
        // SAFETY: the kernel writes at most `length` bytes to `address`, any of which are valid for it.
        let status =
            unsafe { libc::getsockname(self.raw_fd(), (&raw mut address).cast(), &raw mut length) };
        done(status)?;
        let ethernet = address.sll_hatype == libc::ARPHRD_ETHER;
        Ok(address.sll_addr.first_chunk().copied().filter(|_| ethernet))
    }

    /// The oldest frame that was not taken yet; its slot is the kernel's again.
    pub(crate) fn next(&mut self) -> Option<Frame> {
        // SAFETY: `next` is below SLOTS, so the slot lies inside the mapping.
        let slot = unsafe { self.slots.byte_add(self.next * SLOT) };
        // SAFETY: a slot begins with its status word, aligned to SLOT, live as long as the mapping; both
        // sides access it as a whole word.
        let status = unsafe { AtomicU32::from_ptr(slot.as_ptr().cast()) };
        if status.load(Ordering::Acquire) & TP_STATUS_USER == 0 {
            return None;
        }
        // SAFETY: SLOT bytes inside the mapping, which the kernel does not touch from setting
        // TP_STATUS_USER until the status is TP_STATUS_KERNEL again.
        let bytes = unsafe { slot.cast::<[u8; SLOT]>().read() };
        status.store(TP_STATUS_KERNEL, Ordering::Release);
        self.next = (self.next + 1) % SLOTS;
        Some(Frame::of(bytes))
    }

    /// How many frames found the ring full since this was last asked.
    pub(crate) fn drops(&self) -> io::Result<u32> {
        let mut statistics = Statistics::default();
        let mut length = length::<Statistics>();
        // SAFETY: the kernel writes at most `length` bytes to `statistics`, any of which are valid for it.
        let status = unsafe {
            libc::getsockopt(
                self.raw_fd(),
                libc::SOL_PACKET,
                PACKET_STATISTICS,
                (&raw mut statistics).cast(),
                &raw mut length,
            )
        };
        done(status).map(|()| statistics.drops)
    }

    /// Whether the device stamps every frame that it receives. Asked of the interface that the frames are
    /// taken from: the stamp of a device further up the path would be of another place.
    pub(crate) fn device_stamps(&self, interface: &str) -> bool {
        let mut config = libc::hwtstamp_config { flags: 0, tx_type: 0, rx_filter: 0 };
        let mut name = [0; libc::IFNAMSIZ];
        for (to, from) in name[..libc::IFNAMSIZ - 1].iter_mut().zip(interface.bytes()) {
            *to = from.cast_signed();
        }
        let ifr_ifru = libc::__c_anonymous_ifr_ifru { ifru_data: (&raw mut config).cast() };
        let mut request = libc::ifreq { ifr_name: name, ifr_ifru };
        // SAFETY: the request names an interface and points to a live `hwtstamp_config`, all that the
        // kernel reads or writes; both outlive the call.
        let status = unsafe { libc::ioctl(self.raw_fd(), libc::SIOCGHWTSTAMP, &raw mut request) };
        status == 0 && config.rx_filter == libc::HWTSTAMP_FILTER_ALL.cast_signed()
    }

    /// Whose stamps the ring tells from now on, where there are both.
    pub(crate) fn prefer(&self, stamps: Stamps) -> io::Result<()> {
        let source = match stamps {
            Stamps::Kernel => libc::SOF_TIMESTAMPING_SOFTWARE,
            Stamps::Hardware => {
                libc::SOF_TIMESTAMPING_RAW_HARDWARE | libc::SOF_TIMESTAMPING_SOFTWARE
            }
        };
        set(&self.socket, libc::SOL_PACKET, PACKET_TIMESTAMP, &source)
    }

    pub(crate) fn raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

impl AsFd for Ring {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: exactly what `map` mapped, and nothing refers to it any more.
        let unmapped = unsafe { munmap(self.slots, SLOTS * SLOT) };
        debug_assert_eq!(unmapped, Ok(()));
    }
}

fn map(socket: &OwnedFd) -> io::Result<NonNull<c_void>> {
    const LENGTH: NonZeroUsize = NonZeroUsize::new(SLOTS * SLOT).expect("there are slots");
    let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
    // SAFETY: a new mapping where the kernel likes it, so no memory that is in use changes.
    Ok(unsafe { mmap(None, LENGTH, access, MapFlags::MAP_SHARED, socket, 0) }?)
}

/// Sets an option of a socket to a value that the kernel knows by the same layout.
fn set<T>(socket: &OwnedFd, level: c_int, name: c_int, value: &T) -> io::Result<()> {
    // SAFETY: the kernel reads at most the bytes of `value`, which is live for the call.
    let status = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            name,
            std::ptr::from_ref(value).cast(),
            length::<T>(),
        )
    };
    done(status)
}

fn length<T>() -> libc::socklen_t {
    libc::socklen_t::try_from(size_of::<T>()).expect("options are short")
}

fn done(status: c_int) -> io::Result<()> {
    if status < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
