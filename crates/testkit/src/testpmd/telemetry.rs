//! What a program that uses DPDK tells about itself while it runs.

use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use nix::sys::socket::sockopt::ReceiveTimeout;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect, recv, send, setsockopt, socket,
};
use nix::sys::time::TimeVal;
use serde_json::Value;

use super::{Testpmd, run};

/// An answer is no longer than that.
const LONGEST: usize = 16384;
const TIMEOUT: TimeVal = TimeVal::new(10, 0);

impl Testpmd {
    /// Asks it something and returns what the answer says about it: `/ethdev/info,0`, ...
    pub fn telemetry(&self, question: &str) -> Value {
        let path = run(self.dir.path()).join("dpdk/rte/dpdk_telemetry.v2");
        let socket = connected(&path).unwrap_or_else(|errno| panic!("{}: {errno}", path.display()));
        // It introduces itself first.
        receive(&socket);
        send(socket.as_raw_fd(), question.as_bytes(), MsgFlags::empty()).unwrap();
        let answer = receive(&socket);
        let name = question.split(',').next().unwrap();
        answer.get(name).unwrap_or_else(|| panic!("{question}: {answer}")).clone()
    }
}

fn connected(path: &Path) -> nix::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC;
    let socket = socket(AddressFamily::Unix, SockType::SeqPacket, flags, None)?;
    setsockopt(&socket, ReceiveTimeout, &TIMEOUT)?;
    connect(socket.as_raw_fd(), &UnixAddr::new(path)?)?;
    Ok(socket)
}

fn receive(socket: &OwnedFd) -> Value {
    let mut answer = vec![0; LONGEST];
    let length = recv(socket.as_raw_fd(), &mut answer, MsgFlags::empty()).unwrap();
    serde_json::from_slice(&answer[..length]).unwrap()
}
