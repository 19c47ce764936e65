//! The error object a plugin prints (CNI spec 5, "Error").

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Version;

/// What a plugin answers instead of a result: printed as JSON on stdout, with exit status 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{msg}{}{details}", if details.is_empty() { "" } else { ": " })]
pub struct Error {
    /// What kind of failure it is: one of [`code`], or 100 and above for the plugin's own.
    pub code: u32,
    /// What failed, in a few words.
    #[serde(default)]
    pub msg: String,
    /// Why, and what to do about it. May be empty.
    #[serde(default)]
    pub details: String,
}

/// Error codes reserved by the specification (CNI spec 5, "Error").
pub mod code {
    /// The configuration's version, or the verb under this version, is not supported.
    pub const INCOMPATIBLE_VERSION: u32 = 1;
    /// A field of the configuration is not supported; the message holds its key and value.
    pub const UNSUPPORTED_FIELD: u32 = 2;
    /// The container does not exist; the runtime need not call DEL.
    pub const UNKNOWN_CONTAINER: u32 = 3;
    /// `CNI_*` variables are missing or invalid; the message names them.
    pub const ENVIRONMENT: u32 = 4;
    /// Reading, writing or running something failed.
    pub const IO: u32 = 5;
    /// Something that should be JSON, or of a certain shape, is not.
    pub const DECODE: u32 = 6;
    /// The network configuration is invalid.
    pub const CONFIG: u32 = 7;
    /// A passing condition; the runtime should try again later.
    pub const TRY_AGAIN: u32 = 11;
    /// STATUS: the plugin cannot serve ADD.
    pub const NOT_AVAILABLE: u32 = 50;
    /// STATUS: the plugin cannot serve ADD, and existing containers may have limited connectivity.
    pub const LIMITED: u32 = 51;
}

impl Error {
    /// An error of its three parts.
    pub fn new(code: u32, msg: impl Into<String>, details: impl Into<String>) -> Self {
        Self { code, msg: msg.into(), details: details.into() }
    }

    /// An error from a library error: `msg` is its Display, `details` its sources, outermost first,
    /// joined by `: `, and then `hint` (what to do; may be empty). A source whose text the one
    /// before it already contains is left out.
    #[must_use]
    pub fn from_chain(code: u32, error: &dyn std::error::Error, hint: &str) -> Self {
        let msg = error.to_string();
        let mut details = chain_below(error, &msg);
        if !hint.is_empty() {
            let separator = if details.is_empty() { "" } else { ". " };
            details = format!("{details}{separator}{hint}");
        }
        Self { code, msg, details }
    }

    /// The same error with `context` (where it happened) added to the details.
    #[must_use]
    pub fn context(mut self, context: &str) -> Self {
        let separator = if self.details.is_empty() { "" } else { "; " };
        // Writing to a String does not fail.
        write!(self.details, "{separator}{context}").ok();
        self
    }

    /// The object as printed for a configuration of `version`.
    #[must_use]
    pub fn to_json(&self, version: Version) -> Value {
        let mut object = json!({ "cniVersion": version, "code": self.code, "msg": self.msg });
        if !self.details.is_empty() {
            object["details"] = self.details.clone().into();
        }
        object
    }
}

/// An error and its sources, outermost first, joined by `: `; without those that only repeat the one
/// above them. For logs, and where an error has to become a text.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    match chain_below(error, &text) {
        below if below.is_empty() => text,
        below => format!("{text}: {below}"),
    }
}

/// The sources of `error`, outermost first, without those that only repeat `above`.
fn chain_below(error: &dyn std::error::Error, above: &str) -> String {
    let mut last = above.to_owned();
    let mut parts = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if !last.contains(&text) {
            parts.push(text.clone());
            last = text;
        }
        source = cause.source();
    }
    parts.join(": ")
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Step {
        #[error("move vf3 into the namespace")]
        Move(#[source] Box<Step>),
        #[error("open {0}")]
        Open(&'static str, #[source] io::Error),
        #[error("repeat: {0}")]
        Repeat(#[source] io::Error),
    }

    #[test]
    fn chain_joins_the_sources_and_ends_with_the_hint() {
        let cause = io::Error::new(io::ErrorKind::NotFound, "no such file");
        let error = Step::Move(Box::new(Step::Open("/run/netns/a", cause)));
        let error = Error::from_chain(code::IO, &error, "Is the pod gone?");
        assert_eq!(error.msg, "move vf3 into the namespace");
        assert_eq!(error.details, "open /run/netns/a: no such file. Is the pod gone?");
    }

    #[test]
    fn chain_says_nothing_twice() {
        let error = Step::Repeat(io::Error::other("no such file"));
        assert_eq!(chain(&error), "repeat: no such file");
        let error = Error::from_chain(code::IO, &error, "");
        assert_eq!((error.msg.as_str(), error.details.as_str()), ("repeat: no such file", ""));
    }

    #[test]
    fn json_carries_the_version_of_the_configuration() {
        let error = Error::new(7, "bad vlan", "4095 is reserved");
        assert_eq!(
            error.to_json(Version::V0_4_0),
            json!({"cniVersion": "0.4.0", "code": 7, "msg": "bad vlan", "details": "4095 is reserved"})
        );
    }

    #[test]
    fn context_is_appended_to_the_details() {
        let error = Error::new(7, "m", "d").context("from ipam");
        assert_eq!(error.details, "d; from ipam");
        assert_eq!(error.to_string(), "m: d; from ipam");
    }
}
