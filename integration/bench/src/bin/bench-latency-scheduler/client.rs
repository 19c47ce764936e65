//! A client that keeps its connection, as kube-scheduler does.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// Beyond it something hangs.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Client {
    stream: TcpStream,
    address: SocketAddr,
    buffer: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Result<Self> {
        let hint = || format!("connect to {address}");
        let stream = TcpStream::connect(address).with_context(hint)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream, address, buffer: vec![0; 4 << 20] })
    }

    /// Asks; how long it took from the first byte sent to the last one received, and the answer's body.
    pub(crate) fn ask(&mut self, body: &[u8]) -> Result<(Duration, &[u8])> {
        let head = format!(
            "POST /v1/prioritize HTTP/1.1\r\nHost: {}\r\nUser-Agent: Go-http-client/1.1\r\n\
             Content-Length: {}\r\nContent-Type: application/json\r\nAccept-Encoding: gzip\r\n\r\n",
            self.address,
            body.len()
        );
        let request = [head.as_bytes(), body].concat();
        let begin = Instant::now();
        self.stream.write_all(&request)?;
        let (mut have, mut end) = (0, None);
        while end.is_none_or(|end| have < end) {
            let more = self.stream.read(&mut self.buffer[have..])?;
            ensure!(more > 0, "{} hung up", self.address);
            have += more;
            if end.is_none() {
                end = length(&self.buffer[..have])?.map(|(head, body)| head + body);
            }
        }
        let took = begin.elapsed();
        let (head, _) = length(&self.buffer[..have])?.context("no answer")?;
        ensure!(self.buffer.starts_with(b"HTTP/1.1 200 "), "{}: not 200", self.address);
        ensure!(end == Some(have), "{} said more than its answer", self.address);
        Ok((took, &self.buffer[head..have]))
    }
}

/// Length of the head and of the body behind it; none while the head is not complete.
fn length(answer: &[u8]) -> Result<Option<(usize, usize)>> {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let head = str::from_utf8(&answer[..end])?;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    Ok(Some((end + 4, length.context("an answer without a length")?.parse()?)))
}
