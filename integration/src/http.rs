//! What a scraper or a probe gets.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// The whole answer to a GET, the status first.
///
/// # Errors
/// Nobody listens there, or hangs up.
pub fn get(address: &str, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
