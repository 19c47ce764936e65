//! The table of a simulation: a column for each algorithm.

use std::fmt::Write as _;

use super::tally::Tally;
use super::words::{self, KEPT, PLACED, SLOW_ON_FAST, WASTED};

/// Width of the first column, and of each further one.
const WIDTHS: (usize, usize) = (32, 14);

/// What is in a row.
type Value = fn(&Tally) -> String;

const ROWS: [(&str, Value); 10] = [
    (PLACED, |of| words::percent(of.fast.placed, of.fast.pods)),
    (KEPT, |of| words::percent(of.fast.kept, of.fast.pods)),
    ("slow pods placed", |of| words::percent(of.slow.placed, of.slow.pods)),
    (KEPT, |of| words::percent(of.slow.kept, of.slow.pods)),
    ("pods placed", |of| words::all(of).placed.to_string()),
    (KEPT, |of| words::all(of).kept.to_string()),
    ("pods refused when created", |of| of.refused.to_string()),
    ("pods without a node", |of| of.unschedulable.to_string()),
    (WASTED, |of| of.wasted_vfs.to_string()),
    (SLOW_ON_FAST, |of| of.slow_on_fast.to_string()),
];

pub(super) fn table(columns: &[(&str, Tally)]) -> String {
    let head = columns.iter().map(|(name, _)| (*name).to_owned());
    let mut text = row("", head);
    for (name, value) in ROWS {
        text.push_str(&row(name, columns.iter().map(|(_, tally)| value(tally))));
    }
    text
}

fn row(name: &str, values: impl Iterator<Item = String>) -> String {
    let (first, further) = WIDTHS;
    let mut line = format!("{name:<first$}");
    for value in values {
        // Writing to a String does not fail.
        write!(line, "{value:>further$}").ok();
    }
    line.push('\n');
    line
}
