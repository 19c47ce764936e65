//! The picture of a simulation, as SVG: three bars for each figure that tells the algorithms apart.

use std::iter;

use plotters::prelude::*;

use super::tally::Tally;
use super::words::{SLOW_ON_FAST, WASTED, percent, percentage};
use crate::drawing::theme::{self, GRID, INK, MUTED, PAPER, bold, of_path, text};
use crate::drawing::{self, Area, Drawn, LINE_HEIGHT, MARGIN, WIDTH, wrapped, write_lines};

/// Where the bars begin and end; before them stand the names, behind them the figures.
const BARS: (i32, i32) = (150, 690);
const TITLE_HEIGHT: i32 = 34;
const ROW: i32 = 28;
const BAR: i32 = 18;
/// Between two panels.
const GAP: i32 = 14;
/// How strong the part of a bar is that is not the point of it.
const WEAK: f64 = 0.35;

/// A row of a panel.
struct Row {
    name: &'static str,
    /// How far the bar goes, and how far it is strong, 0 to 1.
    length: f64,
    strong: f64,
    figure: String,
}

/// The picture of what became of the pods; `about` says of which.
pub(super) fn svg(about: &[String], columns: &[(&'static str, Tally)]) -> Drawn<String> {
    let about: Vec<String> = about.iter().flat_map(|line| wrapped(line)).collect();
    let panels = panels(columns);
    let top = MARGIN + LINE_HEIGHT + drawing::height(&about) + GAP;
    let heights = panels.iter().map(|(_, rows)| panel_height(rows) + GAP);
    let height = top + heights.sum::<i32>();

    let mut drawn = String::new();
    let size = (WIDTH.unsigned_abs(), height.unsigned_abs());
    let root = SVGBackend::with_string(&mut drawn, size).into_drawing_area();
    root.fill(&PAPER)?;
    let title = "Placing pods: measured latency, the thesis' constants, and neither";
    root.draw(&Text::new(title, (MARGIN, MARGIN), bold(18, INK)))?;
    write_lines(&root, &about, MARGIN + LINE_HEIGHT + 8)?;
    let mut y = top;
    for (title, rows) in &panels {
        panel(&root, title, rows, y)?;
        y += panel_height(rows) + GAP;
    }
    root.present()?;
    drop(root);
    Ok(theme::finish(&drawn))
}

fn panels(columns: &[(&'static str, Tally)]) -> [(String, Vec<Row>); 3] {
    let shares = columns.iter().map(|(name, tally)| {
        let fast = tally.fast;
        let (placed, kept) = (percent(fast.placed, fast.pods), percent(fast.kept, fast.pods));
        Row {
            name,
            length: percentage(fast.placed, fast.pods) / 100.0,
            strong: percentage(fast.kept, fast.pods) / 100.0,
            figure: format!("{kept} kept, {placed} placed"),
        }
    });
    let title = "Low-latency pods: on a node that keeps their budget; pale: placed on another one";
    [
        (title.to_owned(), shares.collect()),
        counts(WASTED, columns, |tally| tally.wasted_vfs),
        counts(SLOW_ON_FAST, columns, |tally| tally.slow_on_fast),
    ]
}

/// A panel of counts, whose longest bar is the greatest of them.
fn counts(
    title: &str,
    columns: &[(&'static str, Tally)],
    count: fn(&Tally) -> u64,
) -> (String, Vec<Row>) {
    let most = columns.iter().map(|(_, tally)| count(tally)).max().unwrap_or_default();
    let rows = columns.iter().map(|(name, tally)| {
        let length = percentage(count(tally), most) / 100.0;
        Row { name, length, strong: length, figure: count(tally).to_string() }
    });
    let mut title = title.to_owned();
    title[..1].make_ascii_uppercase();
    (title, rows.collect())
}

fn panel_height(rows: &[Row]) -> i32 {
    TITLE_HEIGHT + rows.iter().map(|_| ROW).sum::<i32>()
}

fn panel(area: &Area<'_>, title: &str, rows: &[Row], top: i32) -> Drawn<()> {
    area.draw(&Text::new(title, (MARGIN, top + 12), bold(13, INK)))?;
    let (left, right) = BARS;
    let middles = iter::successors(Some(top + TITLE_HEIGHT + ROW / 2), |y| Some(y + ROW));
    for ((index, row), y) in rows.iter().enumerate().zip(middles) {
        let bar = |to| [(left, y - BAR / 2), (to, y + BAR / 2)];
        area.draw(&Text::new(row.name, (MARGIN, y), text(12, INK)))?;
        area.draw(&Rectangle::new(bar(right), GRID.mix(0.5).filled()))?;
        area.draw(&Rectangle::new(bar(at(row.length)), of_path(index).mix(WEAK).filled()))?;
        area.draw(&Rectangle::new(bar(at(row.strong)), of_path(index).filled()))?;
        area.draw(&Text::new(row.figure.as_str(), (right + 12, y), text(12, MUTED)))?;
    }
    Ok(())
}

/// Where a bar of a length, 0 to 1, ends.
fn at(length: f64) -> i32 {
    let (left, right) = BARS;
    #[expect(clippy::cast_possible_truncation, reason = "between two pixels")]
    let offset = (f64::from(right - left) * length).round() as i32;
    left + offset
}

#[cfg(test)]
#[path = "picture_tests.rs"]
mod tests;
