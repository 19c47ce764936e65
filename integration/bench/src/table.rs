//! What many calls come to, and how it is told.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

/// The middle and the edges of many values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Tenth percentile.
    pub p10: f64,
    /// Median.
    pub median: f64,
    /// Ninetieth percentile.
    pub p90: f64,
}

impl Spread {
    /// Of at least one value.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let values: Vec<f64> = values.into_iter().collect();
        let at = |percent| percentile(&values, percent);
        Self { p10: at(10), median: at(50), p90: at(90) }
    }

    /// `median (p10-p90)`.
    #[must_use]
    pub fn cell(&self, decimals: usize) -> String {
        let Self { p10, median, p90 } = self;
        format!("{median:.decimals$} ({p10:.decimals$}-{p90:.decimals$})")
    }
}

/// The value that so many percent do not exceed, of at least one.
#[must_use]
pub fn percentile(values: &[f64], percent: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[(sorted.len() - 1) * percent / 100]
}

/// A figure that has a target.
#[derive(Debug, Clone)]
pub struct Line {
    /// What was measured.
    pub figure: String,
    /// What came out.
    pub measured: String,
    /// What should have come out.
    pub target: String,
    /// Whether it did.
    pub met: bool,
}

impl Line {
    /// A number that may be as large as `limit`, in `unit`.
    #[must_use]
    pub fn at_most(figure: &str, measured: f64, limit: f64, decimals: usize, unit: &str) -> Self {
        Self {
            figure: figure.to_owned(),
            measured: format!("{measured:.decimals$} {unit}"),
            target: format!("<= {limit} {unit}"),
            met: measured <= limit,
        }
    }

    /// A number that is to be `limit` or more, in `unit`.
    #[must_use]
    pub fn at_least(figure: &str, measured: f64, limit: f64, decimals: usize, unit: &str) -> Self {
        let target = format!(">= {limit} {unit}");
        let line = Self::at_most(figure, measured, limit, decimals, unit);
        Self { target, met: measured >= limit, ..line }
    }

    /// Bytes that may be as many as `limit`.
    #[must_use]
    pub fn at_most_bytes(figure: &str, measured: u64, limit: u64) -> Self {
        Self {
            figure: figure.to_owned(),
            measured: format!("{} MB", megabytes(measured)),
            target: format!("<= {} MB", limit / 1_000_000),
            met: measured <= limit,
        }
    }

    /// A count that may be as large as `limit`.
    #[must_use]
    pub fn at_most_of(figure: &str, measured: usize, limit: usize) -> Self {
        let target = format!("<= {limit}");
        Self { target, met: measured <= limit, ..Self::exactly(figure, measured, limit) }
    }

    /// A count that has to be just that.
    #[must_use]
    pub fn exactly(figure: &str, measured: usize, wanted: usize) -> Self {
        Self {
            figure: figure.to_owned(),
            measured: measured.to_string(),
            target: wanted.to_string(),
            met: measured == wanted,
        }
    }
}

/// Adds the table of what has targets, under the name of the program; `last` is one more column.
///
/// # Errors
/// None: a `String` takes everything.
pub fn targets(
    text: &mut String,
    name: &str,
    lines: &[Line],
    last: Option<(&str, &[&str])>,
) -> Result<()> {
    let (title, rule) = last.map_or((String::new(), ""), |(t, _)| (format!(" {t} |"), "---|"));
    writeln!(text, "| `{name}` | measured | target | |{title}\n|---|---|---|---|{rule}")?;
    for (index, line) in lines.iter().enumerate() {
        let verdict = if line.met { "met" } else { "**missed**" };
        let Line { figure, measured, target, .. } = line;
        write!(text, "| {figure} | {measured} | {target} | {verdict} |")?;
        if let Some((_, cells)) = last {
            write!(text, " {} |", cells.get(index).unwrap_or(&""))?;
        }
        writeln!(text)?;
    }
    Ok(())
}

/// In milliseconds.
#[must_use]
pub fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// With two decimals, rounded up.
#[must_use]
pub fn megabytes(bytes: u64) -> String {
    let hundredths = bytes.div_ceil(10_000);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// Size of a file.
///
/// # Errors
/// There is none.
pub fn size_of(path: &Path) -> Result<u64> {
    Ok(fs::metadata(path).with_context(|| format!("look at {}", path.display()))?.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_does_not_depend_on_the_order() {
        let spread = Spread::of([5.0, 1.0, 4.0, 2.0, 3.0]);
        assert_eq!(spread, Spread { p10: 1.0, median: 3.0, p90: 4.0 });
        assert_eq!(spread.cell(1), "3.0 (1.0-4.0)");
    }

    #[test]
    fn at_the_limit_is_met_and_beyond_is_missed() {
        let lines = |over: f64, bytes: u64, more: usize| {
            [
                Line::at_most("time", 2.0 + over, 2.0, 2, "ms"),
                Line::at_most_bytes("size", 4_000_000 + bytes, 4_000_000),
                Line::exactly("namespaces", 1 + more, 1),
                Line::at_least("share", 80.0 - over, 80.0, 0, "%"),
                Line::at_most_of("requests", 4 + more, 4),
            ]
        };
        assert!(lines(0.0, 0, 0).iter().all(|line| line.met));
        assert!(lines(0.01, 1, 1).iter().all(|line| !line.met));
    }

    #[test]
    fn a_missed_target_stands_out_in_its_row() {
        let mut text = String::new();
        let lines = [Line::exactly("requests", 2, 1), Line::exactly("marks", 1, 1)];
        targets(&mut text, "plugin", &lines, Some(("other", &["9"]))).unwrap();
        let rows: Vec<_> = text.lines().skip(2).collect();
        assert_eq!(rows, ["| requests | 2 | 1 | **missed** | 9 |", "| marks | 1 | 1 | met |  |"]);
    }

    #[test]
    fn sizes_are_rounded_up() {
        assert_eq!(megabytes(4_000_001), "4.01");
        assert_eq!(megabytes(990_000), "0.99");
    }
}
