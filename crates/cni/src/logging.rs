//! A small backend for the `log` crate: one line per record, to stderr or appended to a file.
//!
//! Stdout belongs to the protocol. Configurations are not logged: they may hold secrets.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use log::{LevelFilter, Log, Metadata, Record};
use serde::Deserialize;

use crate::NetConf;

/// Where the log goes and how much of it: read on its own, since DEL must not fail for other keys.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    #[serde(rename = "logLevel")]
    level: Option<String>,
    #[serde(rename = "logFile")]
    file: Option<PathBuf>,
}

/// The keys of a plugin's configuration that [`init_of`] reads.
pub const KEYS: [&str; 2] = ["logLevel", "logFile"];

/// [`init`] as the configuration says; by default where the keys are not what they should be.
pub fn init_of(conf: &NetConf, context: &str) {
    let wanted: Wanted = conf.plugin_fields(&KEYS).unwrap_or_default();
    init(wanted.level.as_deref(), wanted.file.as_deref(), context);
}

/// Sends all records of this process, from `level` up, to `file` (appended) or to stderr.
///
/// `level` is a name as Multus and sriov-cni use them: `panic`, `error`, `warning`, `info`,
/// `verbose`, `debug`; `info` when none or another. `context` stands on every line: container
/// id, namespace, interface. A file that cannot be opened is replaced by stderr. Only the first
/// call of a process counts.
pub fn init(level: Option<&str>, file: Option<&Path>, context: &str) {
    let opened = file.map(|path| OpenOptions::new().append(true).create(true).open(path));
    let (file, failed) = match opened {
        None => (None, None),
        Some(Ok(file)) => (Some(file), None),
        Some(Err(error)) => (None, Some(error)),
    };
    let level_filter = level.map_or(LevelFilter::Info, filter);
    let logger = Logger { file, context: context.to_owned() };
    if log::set_boxed_logger(Box::new(logger)).is_ok() {
        log::set_max_level(level_filter);
    }
    if let Some(error) = failed {
        log::warn!("open the log file: {error}; logging to stderr");
    }
}

/// Level names of Multus and sriov-cni. `verbose` is what Multus calls info.
fn filter(level: &str) -> LevelFilter {
    match level.to_ascii_lowercase().as_str() {
        "panic" | "error" => LevelFilter::Error,
        "warning" | "warn" => LevelFilter::Warn,
        "debug" => LevelFilter::Debug,
        _ => LevelFilter::Info,
    }
}

struct Logger {
    file: Option<File>,
    context: String,
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let line = line(SystemTime::now(), &self.context, record);
        // One write per line keeps the lines of parallel plugins apart. There is nowhere left to
        // report a failure to.
        match &self.file {
            Some(file) => (&*file).write_all(line.as_bytes()).ok(),
            None => io::stderr().write_all(line.as_bytes()).ok(),
        };
    }

    fn flush(&self) {}
}

/// `2026-08-27T16:41:00.042Z info [context] message`, line breaks escaped.
fn line(now: SystemTime, context: &str, record: &Record<'_>) -> String {
    let message = record.args().to_string().replace('\n', "\\n");
    let level = record.level().as_str().to_ascii_lowercase();
    let context = if context.is_empty() { String::new() } else { format!("[{context}] ") };
    format!("{} {level} {context}{message}\n", utc(now))
}

/// RFC 3339 in UTC, with milliseconds.
fn utc(now: SystemTime) -> String {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let (days, second) = (since.as_secs() / 86400, since.as_secs() % 86400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let ms = since.subsec_millis();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

/// Year, month and day of a number of days since 1970-01-01.
fn date(mut days: u64) -> (u64, u64, u64) {
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let february = 28 + u64::from(leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}

#[cfg(test)]
mod tests {
    use log::Level;

    use super::*;

    #[test]
    fn level_names_are_those_of_multus_and_sriov_cni() {
        let cases = [
            ("panic", LevelFilter::Error),
            ("error", LevelFilter::Error),
            ("warning", LevelFilter::Warn),
            ("info", LevelFilter::Info),
            ("verbose", LevelFilter::Info),
            ("Debug", LevelFilter::Debug),
            ("loud", LevelFilter::Info),
            ("", LevelFilter::Info),
        ];
        for (name, level) in cases {
            assert_eq!(filter(name), level, "{name}");
        }
    }

    #[test]
    fn times_are_utc_with_milliseconds() {
        let cases = [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_042, "2000-02-29T00:00:00.042Z"),
            (1_704_067_199_999, "2023-12-31T23:59:59.999Z"),
            (1_787_848_860_000, "2026-08-27T16:41:00.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ];
        for (ms, text) in cases {
            assert_eq!(utc(UNIX_EPOCH + Duration::from_millis(ms)), text);
        }
    }

    #[test]
    fn a_record_is_one_line_with_its_context() {
        let args = format_args!("two\nlines");
        let record = Record::builder().level(Level::Warn).args(args).build();
        let text = line(UNIX_EPOCH, "c1 /run/netns/a eth0", &record);
        assert_eq!(text, "1970-01-01T00:00:00.000Z warn [c1 /run/netns/a eth0] two\\nlines\n");
    }
}
