//! Makes the requests of old kubelets acceptable to hyper.
//!
//! kubelet before 1.26 sends the socket's path as `:authority`, for which hyper's HTTP/2 resets the
//! stream. So the client's bytes pass through here, and every `:authority` becomes `localhost`.
//!
//! Replacing a literal keeps the compression state whole: the server's table has the same entries in
//! the same places, only a shorter one among them. Frames: RFC 9113, header blocks: RFC 7541.

use std::io;
use std::ops::Range;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

const PREFACE: usize = 24;
const HEADERS: u8 = 1;
const PADDED: u8 = 0x08;
const PRIORITY: u8 = 0x20;

/// `:authority` in HPACK's static table.
const AUTHORITY: usize = 1;
/// Length, not Huffman coded, and value.
const LOCALHOST: &[u8] = b"\x09localhost";

/// Passes a client's bytes on until it closes the connection, and that as well.
pub(crate) async fn relay(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    let closed = frames(&mut from, &mut to).await;
    to.shutdown().await?;
    closed
}

async fn frames(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
) -> io::Result<()> {
    let mut preface = [0; PREFACE];
    from.read_exact(&mut preface).await?;
    to.write_all(&preface).await?;
    loop {
        let mut head = [0; 9];
        from.read_exact(&mut head).await?;
        let [high, middle, low, kind, flags, ..] = head;
        let length = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
        let mut payload = vec![0; length];
        from.read_exact(&mut payload).await?;
        if kind == HEADERS {
            payload = with_localhost(payload, flags);
            // It is at most as long as before, or as `localhost`.
            let length = u32::try_from(payload.len()).unwrap_or_default().to_be_bytes();
            head[..3].copy_from_slice(&length[1..]);
        }
        to.write_all(&head).await?;
        to.write_all(&payload).await?;
    }
}

/// The payload of a HEADERS frame with another `:authority`; as it is where it cannot be read.
pub(crate) fn with_localhost(mut payload: Vec<u8>, flags: u8) -> Vec<u8> {
    if let Some(value) = authority(&payload, flags) {
        payload.splice(value, LOCALHOST.iter().copied());
    }
    payload
}

/// Where the value of a literal `:authority` is.
fn authority(payload: &[u8], flags: u8) -> Option<Range<usize>> {
    let padding = if flags & PADDED == 0 { 0 } else { usize::from(*payload.first()?) };
    let start = usize::from(flags & PADDED != 0) + if flags & PRIORITY == 0 { 0 } else { 5 };
    let bytes = payload.get(..payload.len().checked_sub(padding)?)?;
    let mut block = Block { bytes, at: start };
    while block.at < block.bytes.len() {
        if let Field::Authority(value) = block.field()? {
            return Some(value);
        }
    }
    None
}

enum Field {
    Authority(Range<usize>),
    Other,
}

/// A header block, read without its table: names and values are passed over. What is cut off has no field.
struct Block<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Block<'_> {
    fn field(&mut self) -> Option<Field> {
        let first = *self.bytes.get(self.at)?;
        let prefix = match first {
            0x80.. => 7,
            0x40..0x80 => 6,
            0x20..0x40 => 5,
            0x00..0x20 => 4,
        };
        let name = self.integer(prefix)?;
        let is_literal = prefix == 6 || prefix == 4;
        if !is_literal {
            return Some(Field::Other);
        }
        if name == 0 {
            self.string()?;
        }
        let value = self.at;
        self.string()?;
        Some(if name == AUTHORITY { Field::Authority(value..self.at) } else { Field::Other })
    }

    fn string(&mut self) -> Option<()> {
        let length = self.integer(7)?;
        self.at = self.at.checked_add(length).filter(|end| *end <= self.bytes.len())?;
        Some(())
    }

    fn integer(&mut self, prefix: u32) -> Option<usize> {
        let mask = (1_usize << prefix) - 1;
        let mut value = usize::from(self.byte()?) & mask;
        if value < mask {
            return Some(value);
        }
        // A header block is far shorter than four of these bytes can tell.
        for shift in [0, 7, 14, 21] {
            let byte = usize::from(self.byte()?);
            value += (byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `:method: POST`, a table size update, a name of its own, `:authority` with and without table.
    fn block(representation: u8, authority: &[u8]) -> Vec<u8> {
        let mut block = vec![0x83, 0x3f, 0xe1, 0x1f];
        block.extend(b"\x00\x02te\x08trailers");
        block.push(representation);
        block.extend(authority);
        block.extend(b"\x0f\x0d\x0212");
        block
    }

    fn long(byte: u8, length: usize) -> Vec<u8> {
        let mut value = vec![0x7f, u8::try_from(length - 127).unwrap()];
        value.extend(vec![byte; length]);
        value
    }

    #[test]
    fn any_literal_authority_is_replaced() {
        for representation in [0x41, 0x01, 0x11] {
            for old in [b"\x04/a/b".to_vec(), b"\x83\x61\x62\x63".to_vec(), long(b'/', 200)] {
                let new = with_localhost(block(representation, &old), 0x04);
                assert_eq!(new, block(representation, LOCALHOST));
            }
        }
    }

    #[test]
    fn padding_and_priority_are_kept() {
        let framed = |authority: &[u8]| {
            let mut payload = vec![2, 0, 0, 0, 0, 16];
            payload.extend(block(0x41, authority));
            payload.extend([0, 0]);
            payload
        };
        assert_eq!(with_localhost(framed(b"\x02/a"), PADDED | PRIORITY), framed(LOCALHOST));
    }

    #[test]
    fn a_block_that_repeats_an_entry_is_kept() {
        let indexed = vec![0x83, 0x86, 0xbe, 0xc0];
        assert_eq!(with_localhost(indexed.clone(), 0x04), indexed);
    }
}
