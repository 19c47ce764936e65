//! Which values of a report can be.

use std::fmt::Debug;

use crate::{Error, Microseconds, PathReport};

/// What no latency exceeds: one hour, in µs.
const LONGEST_US: f64 = 3.6e9;

/// The longest text, in characters.
const LONGEST_TEXT: usize = 256;

/// No more than so many characters of a value are repeated in a message.
const SHOWN: usize = 80;

/// An error about `key` unless `valid`.
pub(super) fn is(
    valid: bool,
    key: impl Into<String>,
    found: impl Debug,
    want: &'static str,
) -> Result<(), Error> {
    if valid {
        return Ok(());
    }
    let found = format!("{found:?}").chars().take(SHOWN).collect();
    Err(Error::Invalid { key: key.into(), found, want })
}

pub(super) fn text(key: impl Into<String>, text: &str) -> Result<(), Error> {
    let length = text.chars().count();
    let valid = (1..=LONGEST_TEXT).contains(&length) && !text.contains(char::is_control);
    is(valid, key, text, "1 to 256 characters, no control characters")
}

pub(super) fn not_negative(key: impl Into<String>, number: f64) -> Result<(), Error> {
    is(number.is_finite() && number >= 0.0, key, number, "a number, 0 or more")
}

/// `key` is the name of a member with its path.
pub(super) fn path(path: &PathReport, key: &impl Fn(&str) -> String) -> Result<(), Error> {
    text(key("name"), &path.name)?;
    text(key("driver"), &path.driver)?;
    for (name, number) in
        [("sizeBytes", path.size_bytes), ("ratePps", path.rate_pps), ("rounds", path.rounds)]
    {
        is(number > 0, key(name), number, "1 or more")?;
    }
    counts(path, key)?;
    if let Some(us) = &path.us {
        percentiles(us, key)?;
    }
    if let Some(interval) = path.p50_interval95 {
        let valid = interval.iter().copied().all(is_latency) && interval[0] <= interval[1];
        is(valid, key("p50Interval95"), interval, "two latencies in µs, the lower one first")?;
    }
    Ok(())
}

fn counts(path: &PathReport, key: &impl Fn(&str) -> String) -> Result<(), Error> {
    let PathReport { sent, received, lost, reordered, .. } = *path;
    is(sent > 0, key("sent"), sent, "1 or more")?;
    is(received <= sent, key("received"), received, "no more than were sent")?;
    is(lost == sent - received, key("lost"), lost, "those sent less those received")?;
    is(reordered <= received, key("reordered"), reordered, "no more than were received")?;
    let want = "there when packets were received, and null when none was";
    let found = format_args!("{}", if path.us.is_some() { "there" } else { "null" });
    is(path.us.is_some() == (received > 0), key("us"), found, want)
}

fn percentiles(us: &Microseconds, key: &impl Fn(&str) -> String) -> Result<(), Error> {
    let Microseconds { min, p50, p90, p99, p99_9, max } = *us;
    let all = [("min", min), ("p50", p50), ("p90", p90), ("p99", p99), ("p99.9", p99_9)];
    let mut before = 0.0;
    for (name, value) in all.into_iter().chain([("max", max)]) {
        let key = key(&format!("us.{name}"));
        is(is_latency(value), key.as_str(), value, "µs, from 0 to an hour")?;
        is(value >= before, key, value, "no less than the percentile before it")?;
        before = value;
    }
    Ok(())
}

fn is_latency(us: f64) -> bool {
    (0.0..=LONGEST_US).contains(&us)
}
