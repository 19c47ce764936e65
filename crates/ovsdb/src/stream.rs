//! A connection's bytes, with a deadline for each read and write.

use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

#[cfg(feature = "remote")]
use crate::remote;
use crate::{Address, Error, Identity};

/// A stream whose calls end at `deadline`.
#[derive(Debug)]
pub(crate) struct Stream {
    socket: Socket,
    pub(crate) deadline: Instant,
}

#[derive(Debug)]
enum Socket {
    Unix(UnixStream),
    #[cfg(feature = "remote")]
    Remote(remote::Connection),
}

impl Stream {
    pub(crate) fn connect(
        address: &Address,
        identity: &Identity,
        deadline: Instant,
    ) -> Result<Self, Error> {
        let socket = Socket::connect(address, identity, deadline)
            .map_err(|source| Error::Connect { address: address.clone(), source })?;
        Ok(Self { socket, deadline })
    }
}

impl Socket {
    #[cfg_attr(not(feature = "remote"), expect(unused_variables, reason = "for remote ones only"))]
    fn connect(address: &Address, identity: &Identity, deadline: Instant) -> io::Result<Self> {
        match address {
            Address::Unix(path) => UnixStream::connect(path).map(Self::Unix),
            #[cfg(feature = "remote")]
            Address::Tcp(endpoint) => {
                remote::Connection::plain(endpoint, deadline).map(Self::Remote)
            }
            #[cfg(feature = "remote")]
            Address::Ssl(endpoint) => {
                remote::Connection::encrypted(endpoint, identity, deadline).map(Self::Remote)
            }
        }
    }
}

/// What is left until the deadline; sockets take no zero.
pub(crate) fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
}

/// A socket's time-out has two names.
fn timed_out(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::WouldBlock => ErrorKind::TimedOut.into(),
        _ => error,
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = left(self.deadline)?;
        let read = match &mut self.socket {
            Socket::Unix(socket) => {
                socket.set_read_timeout(Some(left))?;
                socket.read(buffer)
            }
            #[cfg(feature = "remote")]
            Socket::Remote(connection) => connection.within(left)?.read(buffer),
        };
        read.map_err(timed_out)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = left(self.deadline)?;
        let written = match &mut self.socket {
            Socket::Unix(socket) => {
                socket.set_write_timeout(Some(left))?;
                socket.write(bytes)
            }
            #[cfg(feature = "remote")]
            Socket::Remote(connection) => connection.within(left)?.write(bytes),
        };
        written.map_err(timed_out)
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.socket {
            Socket::Unix(_) => Ok(()),
            #[cfg(feature = "remote")]
            Socket::Remote(connection) => connection.flush(),
        }
    }
}
