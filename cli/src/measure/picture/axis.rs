//! Axes of the charts: logarithmic, with ticks where a reader looks for them.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

use crate::measure::scale::Scale;
use crate::measure::words;

/// A logarithmic axis.
pub(super) struct Axis {
    scale: Scale,
    /// Where a label stands.
    labels: Vec<f64>,
    /// Where there is a line.
    lines: Vec<f64>,
    /// Writes a label.
    write: fn(f64) -> String,
}

impl Axis {
    /// Of latencies, µs.
    pub(super) fn latency(scale: &Scale) -> Self {
        Self { scale: *scale, labels: scale.labels(), lines: scale.ticks(), write: words::step }
    }

    /// Of quantiles, by [`tail`]: 50 %, 90 %, 99 %, ... up to `end`.
    pub(super) fn quantile(end: f64) -> Self {
        let tens = (1..=8).map(|nines| 10_f64.powi(nines)).filter(|ten| *ten <= end * ROUNDING);
        let labels: Vec<f64> = [MEDIAN].into_iter().chain(tens).collect();
        let scale = Scale { low: MEDIAN, high: end };
        Self { scale, lines: labels.clone(), labels, write: percent }
    }

    /// Its labels' positions.
    pub(super) fn labels(&self) -> &[f64] {
        &self.labels
    }
}

/// A median's [`tail`].
pub(super) const MEDIAN: f64 = 2.0;

/// 1 / (1 - 0.999) is not quite 1000.
pub(super) const ROUNDING: f64 = 1.000_001;

/// One of how many packets is slower: what an axis of quantiles is linear in the logarithm of.
pub(super) fn tail(quantile: f64) -> f64 {
    1.0 / (1.0 - quantile)
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        #[expect(clippy::cast_possible_truncation, reason = "between two pixels")]
        let offset = (f64::from(to - from) * self.scale.fraction(*value)).round() as i32;
        from + offset
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        let both = hint.weight().allow_light_points();
        if both { self.lines.clone() } else { self.labels.clone() }
    }

    fn range(&self) -> Range<f64> {
        self.scale.low..self.scale.high
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        (self.write)(*value)
    }
}

/// The quantile of a tail: `50 %`, `99.9 %`.
fn percent(tail: f64) -> String {
    // 99.9, not 99.90000000000001.
    let rounded = ((1.0 - 1.0 / tail) * 1e8).round() / 1e6;
    format!("{rounded} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_labelled_by_their_nines() {
        let labels = |end| {
            let axis = Axis::quantile(end);
            axis.labels().iter().map(|label| axis.format_ext(label)).collect::<Vec<_>>()
        };
        assert_eq!(labels(tail(0.999)), ["50 %", "90 %", "99 %", "99.9 %"]);
        assert_eq!(labels(tail(0.9999)), ["50 %", "90 %", "99 %", "99.9 %", "99.99 %"]);
        assert_eq!(labels(9_000.0).len(), 4);
    }

    #[test]
    fn the_ends_are_on_the_outermost_pixels() {
        let axis = Axis::quantile(1000.0);
        assert_eq!([2.0, 1000.0, 1e9].map(|tail| axis.map(&tail, (10, 700))), [10, 700, 700]);
    }
}
