//! JSON-RPC 1.0 messages: JSON objects one after the other, without any frame (RFC 7047 4).

use std::io::{self, BufRead, BufReader, Read};

use serde::Deserialize;
use serde_json::Value;

/// Longest message that is read, in bytes. The whole database of a node with a thousand ports is a
/// few of them.
pub const MAX_MESSAGE: u64 = 64 << 20;

/// A message of the server: a request or notification (with `method`) or an answer.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Message {
    pub(crate) method: Option<String>,
    #[serde(default)]
    pub(crate) params: Value,
    #[serde(default)]
    pub(crate) result: Value,
    #[serde(default)]
    pub(crate) error: Value,
    #[serde(default)]
    pub(crate) id: Value,
}

/// Why there is no message.
#[derive(Debug)]
pub(crate) enum Broken {
    /// The connection failed, ended or was too slow.
    Io(io::Error),
    /// What came is no message; the text says why.
    Garbage(String),
}

/// Takes messages off a stream of bytes.
#[derive(Debug)]
pub(crate) struct Reader<R> {
    inner: BufReader<R>,
}

impl<R: Read> Reader<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self { inner: BufReader::with_capacity(16 << 10, inner) }
    }

    pub(crate) fn stream(&mut self) -> &mut R {
        self.inner.get_mut()
    }

    /// Waits until a message begins, without taking any of it.
    pub(crate) fn await_message(&mut self) -> Result<(), Broken> {
        match self.inner.fill_buf() {
            Ok([]) => Err(Broken::Io(io::ErrorKind::UnexpectedEof.into())),
            Ok(_) => Ok(()),
            Err(error) => Err(Broken::Io(error)),
        }
    }

    /// The next message. Nesting is limited by `serde_json`, length by [`MAX_MESSAGE`].
    pub(crate) fn message(&mut self) -> Result<Message, Broken> {
        self.message_of_at_most(MAX_MESSAGE)
    }

    pub(crate) fn message_of_at_most(&mut self, bytes: u64) -> Result<Message, Broken> {
        let mut limited = (&mut self.inner).take(bytes);
        let read = Message::deserialize(&mut serde_json::Deserializer::from_reader(&mut limited));
        let exhausted = limited.limit() == 0;
        read.map_err(|error| {
            if exhausted {
                Broken::Garbage(format!("a message of more than {bytes} bytes"))
            } else if error.is_io() {
                Broken::Io(error.into())
            } else if error.is_eof() {
                Broken::Io(io::ErrorKind::UnexpectedEof.into())
            } else {
                Broken::Garbage(error.to_string())
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Message, Broken> {
        Reader::new(bytes).message_of_at_most(1000)
    }

    #[test]
    fn messages_need_no_space_between_them() {
        let mut reader =
            Reader::new(&br#"{"id":1,"result":{},"error":null}{"id":2,"result":[]}"#[..]);
        assert_eq!(reader.message().unwrap().id, 1);
        assert_eq!(reader.message().unwrap().id, 2);
        assert!(matches!(reader.message(), Err(Broken::Io(_))));
    }

    #[test]
    fn half_a_message_is_a_broken_connection() {
        for text in ["", "{", r#"{"id":1,"res"#, r#"{"id":"\ud8"#] {
            assert!(read(text.as_bytes()).is_err(), "{text}");
        }
        assert!(matches!(read(br#"{"id":1,"#), Err(Broken::Io(_))));
    }

    #[test]
    fn rubbish_is_said_to_be_rubbish() {
        for text in ["[]", "7 ", "null", "{]", r#"{"method":7}"#, "\u{0}"] {
            assert!(matches!(read(text.as_bytes()), Err(Broken::Garbage(_))), "{text}");
        }
    }

    #[test]
    fn depth_and_length_have_limits() {
        let deep = format!("{{\"result\":{}", "[".repeat(900));
        assert!(
            matches!(read(deep.as_bytes()), Err(Broken::Garbage(text)) if text.contains("recursion"))
        );
        let long = format!("{{\"result\":\"{}\"}}", "x".repeat(2000));
        assert!(
            matches!(read(long.as_bytes()), Err(Broken::Garbage(text)) if text.contains("1000 bytes"))
        );
    }
}
