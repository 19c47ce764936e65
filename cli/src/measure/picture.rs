//! The picture of a report, as SVG: a bar for each path over the bands of budgets, and below them the
//! latency by percentile.
//!
//! It needs no font of this machine: the reader's browser lays the text out.

mod axis;
mod bars;
mod percentiles;
mod theme;

use std::io;
use std::iter;

use plotters::coord::Shift;
use plotters::prelude::*;
use policy::{Bands, Report};

use super::words;
use crate::error_text::wrap;
use theme::{INK, MUTED, PAPER, bold, text};

const WIDTH: i32 = 960;
const MARGIN: i32 = 24;

/// Characters of running text that fit in a line.
const LINE: usize = 140;

/// From one line of text to the next.
const LINE_HEIGHT: i32 = 18;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

type Drawn<T> = Result<T, DrawingAreaErrorKind<io::Error>>;

/// The latency of one path, by quantile.
pub(crate) struct Curve {
    /// Name of the path in the report.
    pub(crate) name: String,
    /// Quantiles, 0 to 1, in ascending order, and their latencies in µs.
    pub(crate) points: Vec<(f64, f64)>,
}

/// The picture; `notes` are what its reader has to know besides, one line or more each.
pub(crate) fn svg(
    report: &Report,
    curves: &[Curve],
    bands: &Bands,
    notes: &[String],
) -> Drawn<String> {
    let mut head = wrap(&words::conditions(report), LINE);
    head.extend(wrap(&report.method, LINE));
    let notes: Vec<_> = notes.iter().flat_map(|note| wrap(note, LINE)).collect();
    let bars_top = MARGIN + LINE_HEIGHT + lines(&head) + LINE_HEIGHT;
    let curves_top = bars_top + bars::height(report);
    let notes_top = curves_top + if curves.is_empty() { 0 } else { percentiles::HEIGHT };
    let height = notes_top + lines(&notes) + MARGIN;

    let mut drawn = String::new();
    let size = (WIDTH.unsigned_abs(), height.unsigned_abs());
    let root = SVGBackend::with_string(&mut drawn, size).into_drawing_area();
    root.fill(&PAPER)?;
    let title = words::shortened(&words::title(report), 80);
    root.draw(&Text::new(title, (MARGIN, MARGIN), bold(18, INK)))?;
    write_lines(&root, &head, MARGIN + LINE_HEIGHT + 8)?;
    let (_, panels) = root.split_vertically(bars_top);
    let (upper, lower) = panels.split_vertically(curves_top - bars_top);
    bars::draw(&upper, report, bands)?;
    if !curves.is_empty() {
        let (lower, _) = lower.split_vertically(percentiles::HEIGHT);
        percentiles::draw(&lower, report, curves)?;
    }
    write_lines(&root, &notes, notes_top)?;
    root.present()?;
    drop((root, panels, upper, lower));
    Ok(theme::finish(&drawn))
}

/// Height of so many lines.
fn lines(lines: &[String]) -> i32 {
    lines.iter().map(|_| LINE_HEIGHT).sum()
}

fn write_lines(area: &Area<'_>, lines: &[String], top: i32) -> Drawn<()> {
    let rows = iter::successors(Some(top), |y| Some(y + LINE_HEIGHT));
    for (line, y) in lines.iter().zip(rows) {
        area.draw(&Text::new(line.as_str(), (MARGIN, y), text(12, MUTED)))?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "picture_tests.rs"]
mod tests;
