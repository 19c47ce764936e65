//! Errors for people: what failed, the code and its meaning, the details in lines of readable width.

use cni::{Error, code};
use serde_json::{Value, json};

/// Columns of a terminal that everyone has.
const WIDTH: usize = 80;

pub(crate) fn error_json(error: &Error) -> Value {
    json!({ "code": error.code, "msg": error.msg, "details": error.details })
}

/// The error as a paragraph; `about` is what it concerns, or empty.
pub(crate) fn readable(about: &str, error: &Error) -> String {
    let separator = if about.is_empty() { "" } else { ": " };
    let what = format!("fastpath: {about}{separator}{}\n", error.msg);
    let which = format!("  code {} ({})\n", error.code, meaning(error.code));
    let why = wrap(&error.details, WIDTH - 2).into_iter().map(|line| format!("  {line}\n"));
    [what, which].into_iter().chain(why).collect()
}

/// What the specification says of a code.
fn meaning(code: u32) -> &'static str {
    match code {
        code::INCOMPATIBLE_VERSION => "CNI version not supported",
        code::UNSUPPORTED_FIELD => "field not supported",
        code::UNKNOWN_CONTAINER => "container unknown",
        code::ENVIRONMENT => "invalid arguments",
        code::IO => "input or output failed",
        code::DECODE => "undecodable",
        code::CONFIG => "invalid configuration",
        code::TRY_AGAIN => "try again later",
        code::NOT_AVAILABLE => "plugin not available",
        code::LIMITED => "plugin not available, connectivity limited",
        100.. => "the plugin's own",
        _ => "not in the specification",
    }
}

/// Breaks at white space; a longer word has a line of its own.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("aa bb cc", 5), ["aa bb", "cc"]);
        assert_eq!(wrap("aaaaaaa b", 5), ["aaaaaaa", "b"]);
        assert!(wrap("", 5).is_empty());
    }

    #[test]
    fn an_error_says_what_which_and_why() {
        let error = Error::new(11, "pool is full", "wait");
        let text = "fastpath: net1 (n): pool is full\n  code 11 (try again later)\n  wait\n";
        assert_eq!(readable("net1 (n)", &error), text);
    }
}
