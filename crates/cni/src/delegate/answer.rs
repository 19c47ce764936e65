//! What a plugin said: from its exit status and its stdout to a result or an error.
//!
//! The exit status says which of the two it is. One thing overrules it: an error object is an error
//! even with status 0, or the pod would run without its network.

use std::process::ExitStatus;

use serde_json::{Map, Value};

use crate::plugin::Verb;
use crate::{AddResult, Error, Version, code};

/// A plugin that has ended.
pub(crate) struct Answer<'a> {
    pub(crate) plugin: &'a str,
    pub(crate) verb: Verb,
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
}

impl Answer<'_> {
    /// The result of an ADD with a configuration of version `called`. A result that names another
    /// version is read as that.
    pub(crate) fn result(&self, called: Version) -> Result<AddResult, Error> {
        let value = self.success()?.map_err(|error| {
            let details = format!("{error}; it printed {}", self.printed());
            Error::new(
                code::DECODE,
                format!("decode the result of plugin {:?}", self.plugin),
                details,
            )
        })?;
        AddResult::from_json(&value, called).map_err(|error| {
            error.context(&format!("from {}, which was called with {called}", self.origin()))
        })
    }

    /// The end of any other verb: what is printed beside a success does not matter.
    pub(crate) fn done(&self) -> Result<(), Error> {
        self.success().map(drop)
    }

    /// What a successful plugin printed, if that is JSON; or the error of one that failed.
    fn success(&self) -> Result<serde_json::Result<Value>, Error> {
        let document = serde_json::from_slice(text(&self.stdout));
        let object = document.as_ref().ok().and_then(Value::as_object);
        match object.and_then(error_object) {
            Some(error) if !self.status.success() => {
                Err(self.complete(error).context(&format!("from {}", self.origin())))
            }
            Some(error) if error.code != 0 || !error.msg.is_empty() => {
                let context = format!("from {}, although its exit status is 0", self.origin());
                Err(self.complete(error).context(&context))
            }
            _ if self.status.success() => Ok(document),
            _ => Err(self.failure()),
        }
    }

    /// A plugin's error with something in it that a reader and a runtime can use.
    fn complete(&self, mut error: Error) -> Error {
        if error.msg.is_empty() {
            error.msg = format!("{} failed", self.origin());
        }
        // Go's "unknown"; to a runtime it must not look like success.
        if error.code == 0 {
            error.code = code::IO;
        }
        error
    }

    /// What is known of a failure without an error object.
    fn failure(&self) -> Error {
        let details = format!(
            "{}, and stdout holds no error object but {}; see its stderr",
            self.status,
            self.printed()
        );
        Error::new(code::IO, format!("{} failed", self.origin()), details)
    }

    fn origin(&self) -> String {
        format!("{} of plugin {:?}", self.verb.as_str(), self.plugin)
    }

    /// The beginning of stdout, for a message.
    fn printed(&self) -> String {
        const BYTES: usize = 200;
        let printed = self.stdout.trim_ascii();
        if printed.is_empty() {
            return "nothing".to_owned();
        }
        let dots = if printed.len() > BYTES { "..." } else { "" };
        let start = &printed[..printed.len().min(BYTES)];
        format!("{:?}{dots}", String::from_utf8_lossy(start))
    }
}

/// JSON may come behind a byte order mark, which the parser does not know.
fn text(stdout: &[u8]) -> &[u8] {
    stdout.strip_prefix("\u{feff}".as_bytes()).unwrap_or(stdout)
}

/// The error that an object is: it has a `code`, and no result has one. Read as leniently as Go
/// does, because an error that cannot be read hides what went wrong.
fn error_object(object: &Map<String, Value>) -> Option<Error> {
    let code = u32::try_from(object.get("code")?.as_u64()?).ok()?;
    let string = |key| object.get(key).and_then(Value::as_str).unwrap_or_default();
    Some(Error::new(code, string("msg"), string("details")))
}
