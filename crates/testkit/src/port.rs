//! Ports of the loopback for servers that must be told theirs.

use std::net::TcpStream;
use std::process;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the kernel's own range (`net.ipv4.ip_local_port_range`, 32768 and above by default): a port
/// of that range may become the near end of anybody's connection before the server has it.
const FIRST: u16 = 10_000;
const COUNT: u16 = 20_000;

/// A port of the loopback that nobody uses, each time another one.
#[must_use]
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Test programs that run beside each other begin in different places.
    let start = (process::id() % u32::from(COUNT / 100)) * 100;
    let start = u16::try_from(start).unwrap();
    (0..COUNT)
        .map(|_| FIRST + (start + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT) % COUNT)
        // To listen there for a moment would do harm: a child that another thread forks in that
        // moment keeps the port, and answers for it, until it is another program.
        .find(|&port| TcpStream::connect(("127.0.0.1", port)).is_err())
        .expect("a port that is free")
}
