//! The lower panel: the latency of each path by percentile, the slower packets the wider apart.

use std::iter;

use plotters::prelude::*;
use policy::Report;

use super::Curve;
use super::axis::{Axis, MEDIAN, ROUNDING, tail};
use crate::drawing::theme::{GRID, INK, MUTED, bold, of_path, text};
use crate::drawing::{Area, Drawn, MARGIN, WIDTH};
use crate::measure::scale::Scale;
use crate::measure::words;

/// Height of the panel.
pub(super) const HEIGHT: i32 = 400;

const TITLE_HEIGHT: i32 = 30;
/// Width of the names beside the chart.
const NAMES: i32 = 250;
/// Characters of a name that fit there.
const NAME: usize = 32;
/// From one name to the next.
const NAME_HEIGHT: i32 = 22;

/// A curve that is drawn: where its tail and its latency in µs are, its colour and its mark.
struct Line<'a> {
    name: &'a str,
    points: Vec<(f64, f64)>,
    colour: RGBColor,
    mark: &'static [(i32, i32)],
}

/// Marks of the paths in pixels around a point, for who does not see the colours.
const MARKS: [&[(i32, i32)]; 6] = [
    &[(-5, -2), (-2, -5), (2, -5), (5, -2), (5, 2), (2, 5), (-2, 5), (-5, 2)],
    &[(-4, -4), (4, -4), (4, 4), (-4, 4)],
    &[(0, -6), (6, 5), (-6, 5)],
    &[(-6, 0), (0, -6), (6, 0), (0, 6)],
    &[(0, 6), (6, -5), (-6, -5)],
    &[(-6, -2), (6, -2), (6, 2), (-6, 2)],
];

pub(super) fn draw(area: &Area<'_>, report: &Report, curves: &[Curve]) -> Drawn<()> {
    area.draw(&Text::new("Latency by percentile", (MARGIN, 10), bold(13, INK)))?;
    let lines: Vec<_> =
        curves.iter().enumerate().map(|(index, curve)| Line::new(index, curve, report)).collect();
    let points = || lines.iter().flat_map(|line| &line.points);
    let end = points().map(|point| point.0).fold(1000.0, f64::max);
    let axis = Axis::quantile(end);
    let ticks = axis.labels().to_vec();
    let scale = Scale::around(points().map(|point| point.1));
    let (left, right) = area.split_horizontally(WIDTH - NAMES);
    let mut chart = ChartBuilder::on(&left)
        .margin_left(MARGIN)
        .margin_right(MARGIN)
        .margin_top(TITLE_HEIGHT)
        .x_label_area_size(48)
        .y_label_area_size(56)
        .build_cartesian_2d(axis, Axis::latency(&scale))?;
    chart
        .configure_mesh()
        .label_style(text(12, MUTED))
        .axis_style(MUTED)
        .bold_line_style(GRID)
        .light_line_style(GRID.mix(0.5))
        .draw()?;
    for line in &lines {
        chart.draw_series(LineSeries::new(line.points.clone(), line.colour.stroke_width(2)))?;
        let at_tick = |tick: &f64| line.points.iter().find(|point| point.0 * ROUNDING >= *tick);
        for point in ticks.iter().filter_map(at_tick) {
            chart.plotting_area().draw(&(EmptyElement::at(*point) + line.mark()))?;
        }
    }
    names(&right, lines)
}

impl<'a> Line<'a> {
    /// In the colour of the path's bar. What is faster than the median is left out, and the greatest
    /// latency, for which the axis has no place.
    fn new(index: usize, curve: &'a Curve, report: &Report) -> Self {
        let index = report.paths.iter().position(|path| path.name == curve.name).unwrap_or(index);
        let points = curve.points.iter().map(|&(quantile, us)| (tail(quantile), us));
        let on_axis = |point: &(f64, f64)| point.0 >= MEDIAN && point.0.is_finite();
        Self {
            name: &curve.name,
            points: points.filter(on_axis).collect(),
            colour: of_path(index),
            mark: MARKS[index % MARKS.len()],
        }
    }

    fn mark(&self) -> Polygon<(i32, i32)> {
        Polygon::new(self.mark, self.colour.filled())
    }

    /// The latency at its end, µs.
    fn last(&self) -> f64 {
        self.points.last().map_or(0.0, |point| point.1)
    }
}

/// The names, in the order of the curves' ends.
fn names(area: &Area<'_>, mut lines: Vec<Line<'_>>) -> Drawn<()> {
    lines.sort_by(|a, b| b.last().total_cmp(&a.last()));
    let rows = iter::successors(Some(TITLE_HEIGHT + 10), |y| Some(y + NAME_HEIGHT));
    for (line, y) in lines.iter().zip(rows) {
        area.draw(&PathElement::new([(0, y), (24, y)], line.colour.stroke_width(2)))?;
        area.draw(&(EmptyElement::at((12, y)) + line.mark()))?;
        area.draw(&Text::new(words::shortened(line.name, NAME), (32, y), text(12, INK)))?;
    }
    Ok(())
}
