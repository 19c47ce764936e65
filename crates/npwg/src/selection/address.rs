//! Addresses an element asks for.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// An IP address with or without a prefix length, as the pod's author wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IpRequest {
    text: String,
    address: IpAddr,
    prefix: Option<u8>,
}

/// Hardware address of an Ethernet interface; its text is `02:00:00:00:00:01`.
pub type Mac = HardwareAddress<6>;

/// GUID of an `InfiniBand` interface; its text is `02:00:00:00:00:00:00:01`.
pub type IbGuid = HardwareAddress<8>;

/// An address of `N` bytes. Read with `:` or `-` between them, in whatever case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HardwareAddress<const N: usize>(pub [u8; N]);

/// The text is not an address; whoever reads it says what is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an address")]
pub struct NoAddress;

impl IpRequest {
    /// What is valid, in messages.
    pub(super) const WANT: &str = "an IPv4 or IPv6 address with or without a prefix length, such as 192.0.2.5/24 or 2001:db8::5";

    /// The text, as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The address.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// The length of the prefix, if it was given.
    #[must_use]
    pub fn prefix(&self) -> Option<u8> {
        self.prefix
    }
}

impl FromStr for IpRequest {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Self, NoAddress> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().or(Err(NoAddress))?;
        let prefix =
            prefix.map(|text| prefix_length(text, address).ok_or(NoAddress)).transpose()?;
        Ok(Self { text: text.to_owned(), address, prefix })
    }
}

fn prefix_length(text: &str, address: IpAddr) -> Option<u8> {
    let longest = if address.is_ipv4() { 32 } else { 128 };
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|&length| digits && length <= longest)
}

impl Mac {
    /// What is valid, in messages.
    pub(super) const WANT: &str = "6 bytes such as 02:00:00:00:00:01";
}

impl IbGuid {
    /// What is valid, in messages.
    pub(super) const WANT: &str = "8 bytes such as 02:00:00:00:00:00:00:01";
}

impl<const N: usize> FromStr for HardwareAddress<N> {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Self, NoAddress> {
        let separator = if text.contains('-') { '-' } else { ':' };
        let bytes: Option<Vec<u8>> = text.split(separator).map(hex_byte).collect();
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or(NoAddress)
    }
}

fn hex_byte(text: &str) -> Option<u8> {
    let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    digits.then(|| u8::from_str_radix(text, 16).ok()).flatten()
}

impl<const N: usize> fmt::Display for HardwareAddress<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ":" };
            write!(f, "{separator}{byte:02x}")?;
        }
        Ok(())
    }
}
