//! A logarithmic axis of latencies.

use policy::{Bands, PathReport};

/// What no clock tells, µs: latencies below it are drawn there.
const LEAST_US: f64 = 0.1;

/// Decades of [`LEAST_US`] to beyond the longest latency of a report.
const DECADES: std::ops::RangeInclusive<i32> = -1..=10;

/// Where an axis begins and ends, µs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Scale {
    /// The shortest one that has all of `us` in it and ends at steps of 1, 2 or 5 times a power of ten.
    pub(super) fn around(us: impl IntoIterator<Item = f64>) -> Self {
        let us = us.into_iter().map(|us| us.max(LEAST_US));
        let (least, most) =
            us.fold((f64::MAX, LEAST_US), |(least, most), us| (least.min(us), most.max(us)));
        let low = steps().filter(|&step| step <= least.min(most)).last().unwrap_or(LEAST_US);
        let high = steps().find(|&step| step >= most && step > low).unwrap_or(f64::MAX);
        Self { low, high }
    }

    /// For the bars of the paths: with room for the shortest one, and for the last band.
    pub(super) fn of_report(paths: &[PathReport], bands: &Bands) -> Self {
        let figures = paths.iter().filter_map(|path| path.us).flat_map(|us| [us.p50 / 2.0, us.max]);
        let edges = bands.iter().map(|band| us(band.lower_us)).flat_map(|edge| [edge, 3.0 * edge]);
        Self::around(figures.chain(edges))
    }

    /// Where `us` is between the ends, 0 to 1.
    pub(super) fn fraction(&self, us: f64) -> f64 {
        ((us.max(LEAST_US) / self.low).ln() / (self.high / self.low).ln()).clamp(0.0, 1.0)
    }

    /// All steps from end to end.
    pub(super) fn ticks(&self) -> Vec<f64> {
        steps().filter(|step| (self.low..=self.high).contains(step)).collect()
    }

    /// The steps to write beside: powers of ten, or all where there are less than three of those.
    pub(super) fn labels(&self) -> Vec<f64> {
        let in_range = |step: &f64| (self.low..=self.high).contains(step);
        let tens: Vec<_> = powers().filter(in_range).collect();
        if tens.len() < 3 { self.ticks() } else { tens }
    }
}

/// The edge of a band on an axis.
#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 µs")]
pub(super) fn us(edge_us: u64) -> f64 {
    edge_us as f64
}

fn powers() -> impl Iterator<Item = f64> {
    DECADES.map(|decade| 10_f64.powi(decade))
}

fn steps() -> impl Iterator<Item = f64> {
    powers().flat_map(|power| [power, 2.0 * power, 5.0 * power])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(us: &[f64]) -> (f64, f64) {
        let scale = Scale::around(us.iter().copied());
        (scale.low, scale.high)
    }

    #[test]
    fn an_axis_ends_at_steps() {
        assert_eq!(ends(&[2.0, 12_000.0]), (2.0, 20_000.0));
        assert_eq!(ends(&[1.9, 20_000.0]), (1.0, 20_000.0));
        assert_eq!(ends(&[3.6e9]), (2e9, 5e9));
    }

    #[test]
    fn an_axis_has_a_length() {
        assert_eq!(ends(&[5.0]), (5.0, 10.0));
        assert_eq!(ends(&[0.0]), (0.1, 0.2));
        assert_eq!(ends(&[]), (0.1, 0.2));
    }

    #[test]
    fn positions_are_logarithmic_and_on_the_axis() {
        let scale = Scale::around([1.0, 10_000.0]);
        let at = |us| scale.fraction(us);
        let expected = [0.0, 0.0, 0.25, 1.0, 1.0];
        for (us, expected) in [0.0, 1.0, 10.0, 10_000.0, 1e6].into_iter().zip(expected) {
            assert!((at(us) - expected).abs() < 1e-9, "{us}: {}", at(us));
        }
    }

    #[test]
    fn a_short_axis_has_more_labels() {
        assert_eq!(Scale::around([20.0, 70.0]).labels(), [20.0, 50.0, 100.0]);
        assert_eq!(Scale::around([5.0, 2000.0]).labels(), [10.0, 100.0, 1000.0]);
        assert_eq!(Scale::around([5.0, 20.0]).ticks(), [5.0, 10.0, 20.0]);
    }
}
