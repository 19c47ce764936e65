//! The picture of a report, as SVG: a bar for each path over the bands of budgets, and below them the
//! latency by percentile.

mod axis;
mod bars;
mod percentiles;

use plotters::prelude::*;
use policy::{Bands, Report};

use super::words;
use crate::drawing::theme::{self, INK, PAPER, bold};
use crate::drawing::{self, Drawn, LINE_HEIGHT, MARGIN, WIDTH, wrapped, write_lines};

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
    let mut head = wrapped(&words::conditions(report));
    head.extend(wrapped(&report.method));
    let notes: Vec<_> = notes.iter().flat_map(|note| wrapped(note)).collect();
    let bars_top = MARGIN + LINE_HEIGHT + drawing::height(&head) + LINE_HEIGHT;
    let curves_top = bars_top + bars::height(report);
    let notes_top = curves_top + if curves.is_empty() { 0 } else { percentiles::HEIGHT };
    let height = notes_top + drawing::height(&notes) + MARGIN;

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

#[cfg(test)]
#[path = "picture_tests.rs"]
mod tests;
