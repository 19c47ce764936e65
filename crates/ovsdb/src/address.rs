//! Where a database server listens (ovsdb(7), "Connection Methods").

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Longest path that fits a socket address (`sun_path` in unix(7), with its final zero).
const MAX_PATH: usize = 107;

/// A server's address, as in `unix:/var/run/openvswitch/db.sock`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Address {
    /// A socket in the file system.
    Unix(PathBuf),
}

impl Address {
    /// The directory of the socket: where the other sockets of the same switch are.
    #[must_use]
    pub fn directory(&self) -> Option<&Path> {
        match self {
            Self::Unix(path) => path.parent(),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// The text is no address that is known here.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not an address such as unix:/var/run/openvswitch/db.sock")]
pub struct ParseAddressError(String);

impl FromStr for Address {
    type Err = ParseAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("unix:") {
            Some(path) if path.starts_with('/') && path.len() <= MAX_PATH => {
                Ok(Self::Unix(path.into()))
            }
            _ => Err(ParseAddressError(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Address {
    type Error = ParseAddressError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_back_as_itself() {
        let text = "unix:/var/run/openvswitch/db.sock";
        let address: Address = text.parse().unwrap();
        assert_eq!(address.to_string(), text);
        assert_eq!(address.directory(), Some(Path::new("/var/run/openvswitch")));
    }

    #[test]
    fn what_cannot_be_connected_to_is_refused() {
        let long = format!("unix:/{}", "x".repeat(MAX_PATH));
        for text in ["", "/run/db.sock", "unix:db.sock", "unix:", "punix:/x", "tcp:::1:6640", &long]
        {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
