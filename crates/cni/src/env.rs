//! The parameters of a call, as typed values (CNI spec 2, "Parameters").
//!
//! The only place that reads the process environment.

use std::ffi::OsString;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, code};

/// A parameter of a call that breaks the rules of the specification.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message says it")]
pub enum ArgumentError {
    #[error(
        "invalid CNI_CONTAINERID {0:?}: it must start with a letter or digit and hold only letters, digits, '_', '.' and '-'"
    )]
    ContainerId(String),
    #[error(
        "invalid CNI_IFNAME {0:?}: it must have 1 to 15 bytes, without '/', ':', white space or control characters, and not be '.' or '..'"
    )]
    IfName(String),
    #[error("invalid CNI_ARGS: {0:?} is not of the form KEY=VALUE")]
    Args(String),
}

impl From<ArgumentError> for Error {
    fn from(error: ArgumentError) -> Self {
        Self::from_chain(code::ENVIRONMENT, &error, "")
    }
}

/// The runtime's id of a container (`CNI_CONTAINERID`): safe as a part of a file name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContainerId(String);

/// The name of the interface inside the container (`CNI_IFNAME`): safe as a part of a file name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IfName(String);

impl TryFrom<String> for ContainerId {
    type Error = ArgumentError;

    fn try_from(text: String) -> Result<Self, ArgumentError> {
        if is_identifier(&text) { Ok(Self(text)) } else { Err(ArgumentError::ContainerId(text)) }
    }
}

impl TryFrom<String> for IfName {
    type Error = ArgumentError;

    fn try_from(text: String) -> Result<Self, ArgumentError> {
        let forbidden = |c: char| matches!(c, '/' | ':') || c.is_whitespace() || c.is_control();
        let valid = (1..=15).contains(&text.len())
            && !matches!(text.as_str(), "." | "..")
            && !text.contains(forbidden);
        if valid { Ok(Self(text)) } else { Err(ArgumentError::IfName(text)) }
    }
}

/// Whether `text` is `^[a-zA-Z0-9][a-zA-Z0-9_.\-]*$`: the rule for container ids and network names.
pub(crate) fn is_identifier(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
}

/// What every validated string type offers.
macro_rules! string_type {
    ($type:ident) => {
        impl $type {
            /// The validated text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl FromStr for $type {
            type Err = ArgumentError;

            fn from_str(text: &str) -> Result<Self, ArgumentError> {
                Self::try_from(text.to_owned())
            }
        }

        impl TryFrom<&str> for $type {
            type Error = ArgumentError;

            fn try_from(text: &str) -> Result<Self, ArgumentError> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.0
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

string_type!(ContainerId);
string_type!(IfName);

/// Extra arguments of the caller (`CNI_ARGS`), `KEY=VALUE` pairs in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Args(Vec<(String, String)>);

impl Args {
    /// Reads `K=V;K=V`. Liberal where callers differ: a value may hold `=`, empty pairs (a
    /// trailing `;`) are skipped, unknown keys are kept.
    ///
    /// # Errors
    /// [`ArgumentError::Args`] for a pair without `=` or without a key.
    pub fn parse(text: &str) -> Result<Self, ArgumentError> {
        let pairs = text.split(';').filter(|pair| !pair.is_empty());
        pairs.map(parse_pair).collect::<Result<_, _>>().map(Self)
    }

    /// The value of `key`; of the last one when it is given several times.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter().filter(|(name, _)| *name == key).last().map(|(_, value)| value)
    }

    /// All pairs in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn parse_pair(pair: &str) -> Result<(String, String), ArgumentError> {
    match pair.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(ArgumentError::Args(pair.to_owned())),
    }
}

impl fmt::Display for Args {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (key, value)) in self.iter().enumerate() {
            let separator = if index == 0 { "" } else { ";" };
            write!(f, "{separator}{key}={value}")?;
        }
        Ok(())
    }
}

/// A variable of this process, for [`crate::run`].
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
pub(crate) fn of_process(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn container_ids_follow_the_regular_expression() {
        for valid in ["a", "0", "cafe-1_2.3", "A.", &"x".repeat(200)] {
            assert_eq!(valid.parse::<ContainerId>().unwrap().as_str(), valid);
        }
        for invalid in ["", ".", "-a", "_a", "a/b", "a b", "a\n", "ä", "a;b"] {
            assert!(invalid.parse::<ContainerId>().is_err(), "{invalid:?}");
        }
    }

    #[test]
    fn interface_names_follow_the_kernel() {
        for valid in ["eth0", "a", "net1.100", "0123456789abcde", "...", "é"] {
            assert_eq!(valid.parse::<IfName>().unwrap().as_str(), valid);
        }
        for invalid in ["", ".", "..", "0123456789abcdef", "a/b", "a:b", "a b", "a\tb", "a\0"] {
            assert!(invalid.parse::<IfName>().is_err(), "{invalid:?}");
        }
    }

    #[test]
    fn typed_names_are_validated_when_deserialized() {
        assert!(serde_json::from_str::<IfName>(r#""eth0""#).is_ok());
        assert!(serde_json::from_str::<IfName>(r#""../eth0""#).is_err());
        assert!(serde_json::from_str::<ContainerId>(r#""../../etc""#).is_err());
    }

    /// Compatibility trap: the Go library fails on `=` inside a value, callers send it anyway.
    #[test]
    fn trap_args_may_hold_equal_signs_and_unknown_keys() {
        let args = Args::parse("IgnoreUnknown=1;K8S_POD_NAME=p;B64=a==;").unwrap();
        assert_eq!(args.get("B64"), Some("a=="));
        assert_eq!(args.get("K8S_POD_NAME"), Some("p"));
        assert_eq!(args.get("MAC"), None);
        assert_eq!(args.to_string(), "IgnoreUnknown=1;K8S_POD_NAME=p;B64=a==");
    }

    #[test]
    fn the_last_argument_of_a_name_counts() {
        assert_eq!(Args::parse("A=1;A=2").unwrap().get("A"), Some("2"));
    }

    #[test]
    fn arguments_without_a_key_or_a_value_sign_are_refused() {
        for text in ["A", "=1", "A=1;B", " ; "] {
            let error = Error::from(Args::parse(text).unwrap_err());
            assert_eq!(error.code, code::ENVIRONMENT);
            assert!(error.msg.contains("CNI_ARGS"), "{error}");
        }
        assert!(Args::parse("").unwrap().is_empty());
    }
}
