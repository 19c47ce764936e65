//! A connection's bytes, with a deadline for each read and write.

use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use crate::{Address, Error};

/// A stream whose calls end at `deadline`.
#[derive(Debug)]
pub(crate) struct Stream {
    socket: UnixStream,
    pub(crate) deadline: Instant,
}

impl Stream {
    pub(crate) fn connect(address: &Address, deadline: Instant) -> Result<Self, Error> {
        let Address::Unix(path) = address;
        let socket = UnixStream::connect(path)
            .map_err(|source| Error::Connect { address: address.clone(), source })?;
        Ok(Self { socket, deadline })
    }

    /// What is left until the deadline; sockets take no zero.
    fn left(&self) -> io::Result<Duration> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
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
        self.socket.set_read_timeout(Some(self.left()?))?;
        self.socket.read(buffer).map_err(timed_out)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(Some(self.left()?))?;
        self.socket.write(bytes).map_err(timed_out)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
