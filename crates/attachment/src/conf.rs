//! What can be wrong with a configuration, in whatever plugin.

use std::fmt::Display;

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfError {
    /// The JSON type is wrong; the `cni` crate has named the key.
    #[error("{} {}", .0.msg, .0.details)]
    Fields(cni::Error),
    /// Out of range or misspelt.
    #[error("{key} is {value:?}; it has to be {want}")]
    Value {
        /// Key.
        key: &'static str,
        /// Value found.
        value: String,
        /// What is valid.
        want: &'static str,
    },
    /// A key is missing, or two exclude each other; the text says which, and what to give.
    #[error("{0}")]
    Keys(&'static str),
}

/// A key with a value it cannot have.
pub fn invalid(key: &'static str, value: impl Display, want: &'static str) -> ConfError {
    ConfError::Value { key, value: value.to_string(), want }
}
