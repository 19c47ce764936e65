//! What can fail, and the kernel's own words for it.

use std::fmt;
use std::io;
use std::path::PathBuf;

use netlink_packet_core::ErrorMessage;

/// Failures of namespace and link operations. The variant is the operation, the fields its object.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The path cannot be opened.
    #[error("open network namespace {path}")]
    OpenNetns {
        /// Path as given by the runtime.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// The path is a file of another kind.
    #[error("{path} is not a network namespace")]
    NotANetns {
        /// Path as given by the runtime.
        path: PathBuf,
    },
    /// No new namespace can be made.
    #[error("make a network namespace")]
    FreshNetns(#[source] io::Error),
    /// `setns(2)` or work on the thread inside failed.
    #[error("work inside network namespace {path}")]
    Inside {
        /// Namespace.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// A netlink socket could not be made.
    #[error("open an rtnetlink socket")]
    Socket(#[source] io::Error),
    /// The kernel refused a request.
    #[error("{operation}")]
    Refused {
        /// What was asked for, naming the link.
        operation: String,
        /// Cause.
        source: NetlinkError,
    },
}

impl Error {
    /// The kernel's error number (`libc::E...`), where the kernel refused.
    #[must_use]
    pub fn errno(&self) -> Option<i32> {
        match self {
            Self::Refused { source, .. } => Some(source.errno),
            _ => None,
        }
    }
}

/// A negative answer of the kernel: error number and, where the driver gave one, its message
/// (`NLMSGERR_ATTR_MSG`, Documentation/userspace-api/netlink/intro.rst "Extended ACK").
#[derive(Debug, Clone)]
pub struct NetlinkError {
    /// Positive `libc::E...` number.
    pub errno: i32,
    /// Text of the extended acknowledgement.
    pub text: Option<String>,
}

impl fmt::Display for NetlinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.text {
            Some(text) => write!(f, "{text} ({})", io::Error::from_raw_os_error(self.errno)),
            None => write!(f, "{}", io::Error::from_raw_os_error(self.errno)),
        }
    }
}

impl std::error::Error for NetlinkError {}

/// Length of the echoed `nlmsghdr`; with `NETLINK_CAP_ACK` the attributes follow it directly.
const HEADER_LEN: usize = 16;
const NLMSGERR_ATTR_MSG: u16 = 1;

impl From<&ErrorMessage> for NetlinkError {
    fn from(message: &ErrorMessage) -> Self {
        let attributes = message.header.get(HEADER_LEN..).unwrap_or_default();
        Self { errno: message.raw_code().abs(), text: ack_text(attributes) }
    }
}

/// Finds the message among the acknowledgement's attributes (u16 length, u16 type, padded to 4).
fn ack_text(mut attributes: &[u8]) -> Option<String> {
    while attributes.len() >= 4 {
        let length = usize::from(u16::from_ne_bytes([attributes[0], attributes[1]]));
        let kind = u16::from_ne_bytes([attributes[2], attributes[3]]);
        let value = attributes.get(4..length)?;
        if kind == NLMSGERR_ATTR_MSG {
            let text = value.strip_suffix(&[0]).unwrap_or(value);
            return Some(String::from_utf8_lossy(text).into_owned());
        }
        attributes = attributes.get(length.next_multiple_of(4)..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drivers_text_is_found_among_the_attributes() {
        let mut bytes = vec![8, 0, 2, 0, 1, 2, 3, 4, 7, 0, 1, 0];
        bytes.extend(b"no\0\0");
        assert_eq!(ack_text(&bytes).as_deref(), Some("no"));
    }

    #[test]
    fn a_truncated_attribute_is_no_text() {
        assert_eq!(ack_text(&[200, 0, 1, 0, b'x']), None);
        assert_eq!(ack_text(&[0, 0, 0, 0]), None);
        assert_eq!(ack_text(&[]), None);
    }
}
