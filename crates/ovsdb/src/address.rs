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
    /// A port of a host, in the clear.
    #[cfg(feature = "remote")]
    Tcp(Endpoint),
    /// A port of a host, by TLS.
    #[cfg(feature = "remote")]
    Ssl(Endpoint),
}

/// A port of a host.
#[cfg(feature = "remote")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Name or address, without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl Address {
    /// The directory of the socket: where the other sockets of the same switch are.
    #[must_use]
    pub fn directory(&self) -> Option<&Path> {
        match self {
            Self::Unix(path) => path.parent(),
            #[cfg(feature = "remote")]
            Self::Tcp(_) | Self::Ssl(_) => None,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            #[cfg(feature = "remote")]
            Self::Tcp(endpoint) => write!(f, "tcp:{endpoint}"),
            #[cfg(feature = "remote")]
            Self::Ssl(endpoint) => write!(f, "ssl:{endpoint}"),
        }
    }
}

#[cfg(feature = "remote")]
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// The text is no address that is known here.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not an address such as unix:/var/run/openvswitch/db.sock")]
pub struct ParseAddressError(String);

impl FromStr for Address {
    type Err = ParseAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let address = match text.split_once(':') {
            Some(("unix", path)) if path.starts_with('/') && path.len() <= MAX_PATH => {
                Some(Self::Unix(path.into()))
            }
            #[cfg(feature = "remote")]
            Some(("tcp", endpoint)) => endpoint_of(endpoint).map(Self::Tcp),
            #[cfg(feature = "remote")]
            Some(("ssl", endpoint)) => endpoint_of(endpoint).map(Self::Ssl),
            _ => None,
        };
        address.ok_or_else(|| ParseAddressError(text.to_owned()))
    }
}

/// `host:port`, with an IPv6 address in brackets.
#[cfg(feature = "remote")]
fn endpoint_of(text: &str) -> Option<Endpoint> {
    let (host, port) = text.rsplit_once(':')?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host = match bare {
        Some(address) => address,
        None if host.contains(':') => return None,
        None => host,
    };
    let port = port.parse().ok().filter(|port| *port > 0)?;
    (!host.is_empty()).then(|| Endpoint { host: host.to_owned(), port })
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
        for text in [
            "",
            "/run/db.sock",
            "unix:db.sock",
            "unix:",
            "punix:/x",
            "tcp:::1:6640",
            "ssl:a:0",
            "tcp::1",
            "ssl:a",
            &long,
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }

    #[cfg(feature = "remote")]
    #[test]
    fn ports_of_other_hosts_read_back_as_themselves() {
        for text in ["tcp:127.0.0.1:6641", "ssl:[fd00::1]:6641", "ssl:ovn.example.com:6641"] {
            let address: Address = text.parse().unwrap();
            assert_eq!((address.to_string().as_str(), address.directory()), (text, None));
        }
    }
}
