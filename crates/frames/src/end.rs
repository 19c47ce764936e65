//! One end of a path.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::net::if_::if_nametoindex;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::sockopt::SocketError;
use nix::sys::socket::{MsgFlags, getsockopt, send};

use crate::frame::{Frame, Stamps};
use crate::ring::Ring;
use crate::{Error, Mac};

/// Sends frames at an interface and takes those that arrive there, of our `EtherType` (0x88b5) alone.
///
/// The socket belongs to the network namespace it was opened in, and is used from anywhere.
#[derive(Debug)]
pub struct End {
    interface: String,
    mac: Mac,
    ring: Ring,
    stamps: Stamps,
}

impl End {
    /// Opens an end at an interface of the calling thread's network namespace.
    ///
    /// # Errors
    /// There is no such interface, it is no Ethernet one, or the process is not privileged.
    pub fn open(interface: &str) -> Result<Self, Error> {
        let refused = |source| Error::Open { interface: interface.to_owned(), source };
        let index = if_nametoindex(interface).map_err(|errno| match errno {
            Errno::ENODEV => Error::NoInterface { interface: interface.to_owned() },
            errno => refused(errno.into()),
        })?;
        let ring = Ring::open(index).map_err(refused)?;
        let mac = ring
            .mac()
            .map_err(refused)?
            .ok_or_else(|| Error::NotEthernet { interface: interface.to_owned() })?;
        let stamps = if ring.device_stamps(interface) { Stamps::Hardware } else { Stamps::Kernel };
        ring.prefer(stamps).map_err(refused)?;
        Ok(Self { interface: interface.to_owned(), mac: Mac(mac), ring, stamps })
    }

    /// Name of its interface when it was opened.
    #[must_use]
    pub fn interface(&self) -> &str {
        &self.interface
    }

    /// Address of its interface when it was opened.
    #[must_use]
    pub fn mac(&self) -> Mac {
        self.mac
    }

    /// Sends a frame as it is, Ethernet header included. A frame that the device's queue has no room for
    /// is lost, as anybody's would be.
    ///
    /// # Errors
    /// The interface is down or gone, or the frame longer than its MTU and header.
    pub fn send(&self, frame: &[u8]) -> Result<(), Error> {
        // No ring for sending: what PACKET_TX_RING saves is a copy, what it costs is a send(2) all the
        // same, and a longer way from reading the clock to the device.
        match send(self.ring.raw_fd(), frame, MsgFlags::MSG_DONTWAIT) {
            Ok(_) | Err(Errno::EAGAIN | Errno::ENOBUFS) => Ok(()),
            Err(errno) => Err(Error::Send {
                interface: self.interface.clone(),
                bytes: frame.len(),
                source: errno.into(),
            }),
        }
    }

    /// The next frame, waited for at most so long (in whole ms); `None` where none came.
    ///
    /// # Errors
    /// The interface is down or gone.
    pub fn receive(&mut self, timeout: Duration) -> Result<Option<Frame>, Error> {
        if let Some(frame) = self.ring.next() {
            return Ok(Some(frame));
        }
        self.wait(timeout).map_err(|source| self.broken(source))?;
        Ok(self.ring.next())
    }

    fn wait(&self, timeout: Duration) -> io::Result<()> {
        let timeout = PollTimeout::try_from(timeout).unwrap_or(PollTimeout::MAX);
        let mut fds = [PollFd::new(self.ring.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, timeout) {
            Err(errno) if errno != Errno::EINTR => return Err(errno.into()),
            _ => {}
        }
        let failed = fds[0].revents().is_some_and(|events| events.contains(PollFlags::POLLERR));
        match if failed { getsockopt(&self.ring, SocketError)? } else { 0 } {
            0 => Ok(()),
            errno => Err(io::Error::from_raw_os_error(errno)),
        }
    }

    /// Whose stamps its frames carry.
    pub(crate) fn stamps(&self) -> Stamps {
        self.stamps
    }

    /// Leaves stamping to the kernel from now on.
    pub(crate) fn distrust_device(&mut self) -> Result<(), Error> {
        self.stamps = Stamps::Kernel;
        self.ring.prefer(Stamps::Kernel).map_err(|source| self.broken(source))
    }

    /// Drops what arrived until now.
    pub(crate) fn forget(&mut self) -> Result<(), Error> {
        while self.receive(Duration::ZERO)?.is_some() {}
        self.overrun().map(drop)
    }

    /// How many frames it was too slow for, since this was last asked.
    pub(crate) fn overrun(&self) -> Result<u32, Error> {
        self.ring.drops().map_err(|source| self.broken(source))
    }

    fn broken(&self, source: io::Error) -> Error {
        Error::Receive { interface: self.interface.clone(), source }
    }
}
