//! PCI addresses.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Domain, bus, device and function of a PCI device, written `0000:01:10.0` (BDF).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PciAddr {
    domain: u32,
    bus: u8,
    device: u8,
    function: u8,
}

/// The text is not a PCI address.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a PCI address; write domain:bus:device.function, such as 0000:01:10.0")]
pub struct ParsePciError(String);

impl FromStr for PciAddr {
    type Err = ParsePciError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| ParsePciError(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<PciAddr> {
    let (domain, rest) = text.split_once(':')?;
    let (bus, rest) = rest.split_once(':')?;
    let (device, function) = rest.split_once('.')?;
    // Domains above ffff exist (Intel VMD): up to eight digits.
    let domain = hex(domain, 4..=8)?;
    let device = u8::try_from(hex(device, 2..=2)?).ok().filter(|d| *d < 32)?;
    let function = u8::try_from(hex(function, 1..=1)?).ok().filter(|f| *f < 8)?;
    Some(PciAddr { domain, bus: u8::try_from(hex(bus, 2..=2)?).ok()?, device, function })
}

fn hex(digits: &str, length: std::ops::RangeInclusive<usize>) -> Option<u32> {
    let valid = length.contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    valid.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
}

impl fmt::Display for PciAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { domain, bus, device, function } = self;
        write!(f, "{domain:04x}:{bus:02x}:{device:02x}.{function}")
    }
}

impl TryFrom<String> for PciAddr {
    type Error = ParsePciError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<PciAddr> for String {
    fn from(addr: PciAddr) -> Self {
        addr.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_sysfs_writes_it() {
        for (text, shown) in [
            ("0000:01:10.0", "0000:01:10.0"),
            ("0000:AF:1f.7", "0000:af:1f.7"),
            ("10000:01:00.0", "10000:01:00.0"),
        ] {
            assert_eq!(text.parse::<PciAddr>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn nothing_else_passes() {
        for text in [
            "",
            "01:10.0",
            "0000:01:20.0",
            "0000:01:10.8",
            "0000:01:10.0/..",
            "../0:01:10.0",
            "0000:+1:10.0",
        ] {
            assert!(text.parse::<PciAddr>().is_err(), "{text}");
        }
    }
}
