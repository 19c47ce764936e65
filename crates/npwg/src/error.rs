//! What can be wrong with the shapes, and with the files.

use std::io;
use std::path::PathBuf;

use serde_json::Value;

/// No more than so many characters of what somebody else wrote are repeated in a message.
const SHOWN: usize = 80;

/// Failures of this crate. The variant is the operation, the fields its object; each message says
/// what is valid.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The annotation looks like JSON but is not.
    #[error(
        "the network selections are not JSON; valid is a list of objects, or names separated by commas"
    )]
    Json {
        /// Where it stops to be.
        source: serde_json::Error,
    },
    /// The annotation is JSON but not a list.
    #[error("the network selections are {found}, not a JSON list of objects")]
    NoList {
        /// What it is, shortened.
        found: String,
    },
    /// An element of the annotation.
    #[error("network selection [{index}] {name:?}: {invalid}")]
    Selection {
        /// Position in the annotation, from 0.
        index: usize,
        /// Name of the network it selects, or what stands in its place; shortened.
        name: String,
        /// What is wrong with it.
        invalid: Invalid,
    },
    /// Two elements want the default route.
    #[error(
        "network selections [{first}] and [{second}] both have \"default-route\"; only one may have it"
    )]
    DefaultRoutes {
        /// Position of the first, from 0.
        first: usize,
        /// Position of the second.
        second: usize,
    },
    /// Two elements want the same interface name.
    #[error(
        "network selections [{first}] and [{second}] both ask for interface {interface:?}; every interface of a pod has its own name"
    )]
    Interfaces {
        /// Position of the first, from 0.
        first: usize,
        /// Position of the second.
        second: usize,
        /// The name.
        interface: String,
    },
    /// A network's definition.
    #[error("NetworkAttachmentDefinition {name:?}: {invalid}")]
    Definition {
        /// Its name, or what stands in its place; shortened.
        name: String,
        /// What is wrong with it.
        invalid: Invalid,
    },
    /// Device information that is JSON but does not describe a device.
    #[error("the device information is invalid")]
    DeviceInfo {
        /// The key and what is valid.
        source: serde_json::Error,
    },
    /// A device-info file holds no JSON object.
    #[error("device-info file {path} does not hold a JSON object")]
    FileJson {
        /// File.
        path: PathBuf,
        /// Where it stops to be one.
        source: serde_json::Error,
    },
    /// A device-info file is larger than any device's description.
    #[error("device-info file {path} is larger than {limit} bytes")]
    FileSize {
        /// File.
        path: PathBuf,
        /// What is read at most.
        limit: u64,
    },
    /// A file operation failed.
    #[error("{operation} {path}")]
    File {
        /// "read", "write", ...
        operation: &'static str,
        /// File or directory.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
}

/// A key whose value is not what it must be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid {key} {value}: it must be {want}")]
pub struct Invalid {
    /// Key, with its path in the object: `portMappings[0].hostPort`.
    pub key: String,
    /// What it is, as JSON; shortened.
    pub value: String,
    /// What is valid.
    pub want: &'static str,
}

impl Invalid {
    pub(crate) fn new(key: &str, value: &Value, want: &'static str) -> Self {
        Self { key: key.to_owned(), value: shown_json(value), want }
    }

    pub(crate) fn missing(key: &str, want: &'static str) -> Self {
        Self { key: key.to_owned(), value: "(absent)".to_owned(), want }
    }

    /// The same, of a key inside `outer`.
    pub(crate) fn within(mut self, outer: &str) -> Self {
        self.key = format!("{outer}.{}", self.key);
        self
    }
}

/// `value` as JSON, shortened. JSON lets some control characters be, a terminal does not.
pub(crate) fn shown_json(value: &Value) -> String {
    let printable = |c: char| match c {
        c if c.is_control() => c.escape_unicode().to_string(),
        c => c.to_string(),
    };
    shown(&value.to_string().chars().map(printable).collect::<String>())
}

/// `text`, shortened.
pub(crate) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
