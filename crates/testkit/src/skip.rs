//! Leaving a test out, visibly.

#![expect(
    clippy::disallowed_methods,
    reason = "only a test's surroundings tell whether this is CI"
)]

use std::env;
use std::io::{Write, stdout};
use std::thread;

/// Leaves the current test with a line `SKIP <test>: <reason>`; with `CI=true` it fails instead.
///
/// Takes what `format!` takes, and returns from the calling function.
#[macro_export]
macro_rules! skip {
    ($($reason:tt)+) => {{
        $crate::skip::say(&format!($($reason)+));
        return;
    }};
}

/// The line of [`skip!`](crate::skip!); panics with `CI=true`.
pub fn say(reason: &str) {
    let thread = thread::current();
    let test = thread.name().unwrap_or("?");
    // Not in the words of a skip: the suites would count it as one, too.
    let ci = env::var_os("CI").is_some_and(|ci| ci == "true");
    assert!(!ci, "{test} would be skipped, which CI=true forbids: {reason}");
    // Past libtest's capture, and at the start of a line: the suites count these lines.
    stdout().write_all(format!("\nSKIP {test}: {reason}\n").as_bytes()).unwrap();
}
