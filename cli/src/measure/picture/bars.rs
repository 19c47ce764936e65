//! The upper panel: for each path a bar to its p50, a whisker to its p99, a diamond at its greatest
//! latency, over the bands of budgets.

use std::iter;

use plotters::coord::types::RangedCoordi32;
use plotters::prelude::*;
use policy::{Band, Bands, Microseconds, PathReport, Report};

use super::axis::Axis;
use crate::drawing::theme::{BANDS, CENTRE, END, GRID, INK, MUTED, WARNING, bold, of_path, text};
use crate::drawing::{Area, Drawn, MARGIN, WIDTH};
use crate::measure::scale::{Scale, us};
use crate::measure::words;

const TITLE: &str =
    "Bar to p50, whisker to p99, diamond at max; shaded: the budgets each path serves";
const TITLE_HEIGHT: i32 = 30;
/// Names and edges of the bands, in the chart.
const STRIP: i32 = 42;
/// A path's line of text and its bar.
const ROW: i32 = 54;
const BAR: i32 = 14;
const BELOW: i32 = 48;
/// Where the columns of figures end.
const COLUMNS: [i32; 3] = [500, 610, 720];
/// Characters of a name that fit before them.
const NAME: usize = 50;

/// Latency in µs, pixels from the top.
type Plane<'a> = DrawingArea<SVGBackend<'a>, Cartesian2d<Axis, RangedCoordi32>>;

/// Height of the panel.
pub(super) fn height(report: &Report) -> i32 {
    TITLE_HEIGHT + chart_height(&report.paths) + BELOW
}

fn chart_height(paths: &[PathReport]) -> i32 {
    STRIP + paths.iter().map(|_| ROW).sum::<i32>()
}

pub(super) fn draw(area: &Area<'_>, report: &Report, bands: &Bands) -> Drawn<()> {
    area.draw(&Text::new(TITLE, (MARGIN, 10), bold(13, INK)))?;
    let scale = Scale::of_report(&report.paths, bands);
    let bottom = chart_height(&report.paths);
    let mut chart = ChartBuilder::on(area)
        .margin_left(MARGIN)
        .margin_right(MARGIN)
        .margin_top(TITLE_HEIGHT)
        .x_label_area_size(BELOW)
        // Down from the top, in pixels.
        .build_cartesian_2d(Axis::latency(&scale), bottom..0)?;
    for (band, tint) in bands.iter().zip(BANDS.iter().cycle()) {
        let (lower, upper) = ends(&band, &scale);
        chart
            .plotting_area()
            .draw(&Rectangle::new([(lower, 0), (upper, bottom)], tint.filled()))?;
    }
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .label_style(text(12, MUTED))
        .axis_style(MUTED)
        .bold_line_style(GRID)
        .light_line_style(GRID.mix(0.5))
        .draw()?;
    let chart = chart.plotting_area();
    for band in bands.iter() {
        let (lower, upper) = ends(&band, &scale);
        let middle = (lower * upper).sqrt();
        chart.draw(&Text::new(band.path.as_str(), (middle, 12), bold(11, MUTED).pos(CENTRE)))?;
        chart.draw(&Text::new(words::step(lower), (lower, 28), text(11, MUTED).pos(CENTRE)))?;
    }
    let tops = iter::successors(Some(STRIP), |top| Some(top + ROW));
    for ((index, path), top) in report.paths.iter().enumerate().zip(tops) {
        describe(area, path, TITLE_HEIGHT + top + 14)?;
        if let Some(us) = &path.us {
            bar(chart, us, scale.low, top + 32, of_path(index))?;
        }
    }
    Ok(())
}

/// Of a band, on the axis.
fn ends(band: &Band, scale: &Scale) -> (f64, f64) {
    (us(band.lower_us), band.upper_us.map_or(scale.high, us))
}

/// The line of text about a path.
fn describe(area: &Area<'_>, path: &PathReport, y: i32) -> Drawn<()> {
    area.draw(&Text::new(words::shortened(&path.name, NAME), (MARGIN + 6, y), bold(13, INK)))?;
    let figures = match &path.us {
        Some(us) => [("p50", us.p50), ("p99", us.p99), ("max", us.max)]
            .map(|(name, us)| format!("{name} {}", words::latency(us))),
        None => ["nothing came back", "", ""].map(str::to_owned),
    };
    for (figure, x) in figures.into_iter().zip(COLUMNS) {
        area.draw(&Text::new(figure, (x, y), text(12, MUTED).pos(END)))?;
    }
    if let Some(loss) = words::loss(path) {
        area.draw(&Text::new(loss, (WIDTH - MARGIN - 6, y), bold(12, WARNING).pos(END)))?;
    }
    Ok(())
}

/// The bar of a path, from the axis' start at `low`, with its middle at `y`.
fn bar(chart: &Plane<'_>, us: &Microseconds, low: f64, y: i32, colour: RGBColor) -> Drawn<()> {
    let half = BAR / 2;
    chart.draw(&Rectangle::new([(low, y - half), (us.p50, y + half)], colour.filled()))?;
    chart.draw(&PathElement::new([(us.p99, y), (us.max, y)], MUTED))?;
    let whisker = INK.stroke_width(2);
    chart.draw(&PathElement::new([(us.p50, y), (us.p99, y)], whisker))?;
    chart.draw(&PathElement::new([(us.p99, y - half), (us.p99, y + half)], whisker))?;
    let diamond = Polygon::new([(-6, 0), (0, -6), (6, 0), (0, 6)], colour.filled());
    chart.draw(&(EmptyElement::at((us.max, y)) + diamond))
}
