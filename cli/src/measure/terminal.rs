//! The report as text, 80 columns wide: a table, and bars over the edges of the bands.

use std::iter;

use policy::{Bands, Microseconds, PathReport, Report};

use super::scale::{self, Scale};
use super::words;
use crate::error_text::wrap;

const WIDTH: usize = 80;
/// Columns of a path's name and the space behind it.
const NAME: usize = 18;
/// Columns of an axis.
const AXIS: usize = WIDTH - NAME;

/// The last column of a bar, by eighths.
const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/// The report.
pub(crate) fn text(report: &Report, bands: &Bands) -> String {
    let head = [words::title(report), words::conditions(report), report.method.clone()];
    let mut lines: Vec<String> = head.iter().flat_map(|text| wrap(text, WIDTH)).collect();
    lines.push(String::new());
    lines.extend(table(&report.paths));
    lines.push(String::new());
    lines.extend(chart(&report.paths, bands));
    lines.extend(words::notes(report).iter().flat_map(|note| wrap(note, WIDTH)));
    lines.iter().flat_map(|line| [line.trim_end(), "\n"]).collect()
}

fn table(paths: &[PathReport]) -> Vec<String> {
    let head = ["min", "p50", "p90", "p99", "p99.9", "max"].map(str::to_owned);
    let head = format!("{:>7} {:>7} {:>9}{}", "sent", "lost", "reordered", cells(head));
    let row = |path: &PathReport| {
        let PathReport { sent, lost, reordered, .. } = path;
        let figures = path.us.map_or_else(String::new, |us| cells(figures(&us).map(short)));
        row_of(&path.name, &format!("{sent:>7} {lost:>7} {reordered:>9}{figures}"))
    };
    let rows = paths.iter().map(row);
    [row_of("latency in µs", &head)].into_iter().chain(rows).collect()
}

/// The name of a path and what is said of it.
fn row_of(name: &str, rest: &str) -> String {
    format!("{:<NAME$}{rest}", words::shortened(name, NAME - 1))
}

fn figures(us: &Microseconds) -> [f64; 6] {
    [us.min, us.p50, us.p90, us.p99, us.p99_9, us.max]
}

fn cells(cells: [String; 6]) -> String {
    cells.map(|cell| format!(" {cell:>5}")).concat()
}

/// In µs; what has more digits than a cell in seconds.
fn short(us: f64) -> String {
    if us < 99_999.5 { words::digits(us) } else { format!("{}s", words::digits(us / 1e6)) }
}

fn chart(paths: &[PathReport], bands: &Bands) -> Vec<String> {
    let scale = Scale::of_report(paths, bands);
    let mut ground = [' '; AXIS];
    for band in bands.iter() {
        ground[column(&scale, scale::us(band.lower_us))] = '┊';
    }
    let row = |path: &PathReport| match &path.us {
        Some(us) => row_of(&path.name, &bar(ground, &scale, us)),
        None => row_of(&path.name, "nothing came back"),
    };
    let mut lines: Vec<String> = paths.iter().map(row).collect();
    lines.extend(axis(&scale).map(|line| row_of("", &line)));
    lines.push(String::new());
    lines.extend(wrap(&key(bands), WIDTH));
    lines
}

/// The column of a latency.
fn column(scale: &Scale, us: f64) -> usize {
    eighths(scale, us).div_ceil(8).saturating_sub(1)
}

/// Columns from the start of the axis to a latency, times eight.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a fraction of a line"
)]
fn eighths(scale: &Scale, us: f64) -> usize {
    (scale.fraction(us) * (8 * AXIS) as f64).round() as usize
}

/// The marks over `ground`: what is further right is never hidden.
fn bar(mut ground: [char; AXIS], scale: &Scale, us: &Microseconds) -> String {
    let end = eighths(scale, us.p50);
    let (full, p99) = (end / 8, column(scale, us.p99));
    ground[..full].fill('█');
    if full <= p99 {
        ground[full..p99].fill('─');
    }
    if !end.is_multiple_of(8) {
        ground[full] = EIGHTHS[end % 8];
    }
    ground[p99] = '┤';
    ground[column(scale, us.max)] = '◆';
    ground.iter().collect()
}

/// A line with ticks, and their labels.
fn axis(scale: &Scale) -> [String; 2] {
    let mut line = ['─'; AXIS];
    let mut labels = String::new();
    for us in scale.labels() {
        let at = column(scale, us);
        line[at] = '┬';
        let label = words::step(us);
        let length = label.chars().count();
        let start = at.saturating_sub(length / 2).min(AXIS - length);
        let written = labels.chars().count();
        if written == 0 || start > written {
            labels.extend(iter::repeat_n(' ', start - written));
            labels += &label;
        }
    }
    [line.iter().collect(), labels]
}

/// What the marks are, and the bands.
fn key(bands: &Bands) -> String {
    let bands = bands.iter().map(|band| format!("{} {band}", band.path));
    let bands = bands.collect::<Vec<_>>().join(", ");
    format!("█ to p50, ─┤ to p99, ◆ max; ┊ edges of the budgets in µs: {bands}")
}

#[cfg(test)]
#[path = "terminal_tests.rs"]
mod tests;
