//! Figures rounded so that they seldom change.

/// The steps of a decade: preferred numbers (ISO 3, the rounded series R″20), 10 to 17 % apart. The
/// edges of the default bands are among them, so that rounding never carries a node over one.
const STEPS: [u64; 20] =
    [10, 11, 12, 14, 16, 18, 20, 22, 25, 28, 32, 36, 40, 45, 50, 56, 63, 71, 80, 90];

/// A latency in µs, rounded up to the next of few values: 1 to 10, 11, 12, 14, 16, 18, 20, 22, ...
/// 90, 100, 110, 120, 140 and so on. Never less than the latency itself: what is published of a node
/// promises no more than was measured.
///
/// A latency that a [`Report`](crate::Report) cannot have, below 0 or above an hour, counts as the
/// nearest that it can.
#[must_use]
pub fn bucket(us: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number from 1 to 3.6e9"
    )]
    let us = us.ceil().clamp(1.0, 3.6e9) as u64;
    let mut unit = 1;
    while us > 100 * unit {
        unit *= 10;
    }
    if us <= 10 {
        return us;
    }
    STEPS.iter().map(|step| step * unit).find(|step| us <= *step).unwrap_or(100 * unit)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::Bands;

    /// Latencies close together from less than 1 µs to an hour, and beside each whole number that is
    /// a bucket.
    fn latencies() -> impl Iterator<Item = f64> {
        let ladder =
            (0..60_000).map(|step| 0.1 * 1.000_4_f64.powi(step)).take_while(|us| *us < 3.6e9);
        let whole =
            (1..20_000).flat_map(|us| [f64::from(us) - 1e-9, us.into(), f64::from(us) + 1e-9]);
        ladder.chain(whole)
    }

    #[expect(clippy::cast_precision_loss, reason = "less than 2^53")]
    fn float(us: u64) -> f64 {
        us as f64
    }

    #[test]
    fn no_bucket_is_less_than_the_latency_or_much_more() {
        for us in latencies() {
            let bucket = float(bucket(us));
            assert!(bucket >= us, "{us} became {bucket}");
            assert!(bucket < us * 1.17 + 1.0, "{us} became {bucket}");
        }
    }

    #[test]
    fn a_greater_latency_is_in_no_lower_bucket() {
        let mut all: Vec<f64> = latencies().collect();
        all.sort_by(f64::total_cmp);
        assert!(all.is_sorted_by_key(|us| bucket(*us)));
    }

    #[test]
    fn a_bucket_is_its_own_and_there_are_few() {
        let buckets: BTreeSet<u64> = latencies().map(bucket).collect();
        assert!(buckets.iter().all(|us| bucket(float(*us)) == *us));
        // 20 for each decade, 10 of them below 10.
        assert!(buckets.len() <= 185, "{}", buckets.len());
        let first: Vec<u64> = buckets.into_iter().take(14).collect();
        assert_eq!(first, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16]);
    }

    #[test]
    fn rounding_carries_no_node_over_the_edge_of_a_band() {
        for band in Bands::default().iter() {
            assert_eq!(bucket(float(band.lower_us)), band.lower_us);
        }
    }

    #[test]
    fn what_no_report_has_is_the_nearest_that_one_can() {
        for (us, nearest) in [(f64::NEG_INFINITY, 1), (-1.0, 1), (0.0, 1), (4e9, 3_600_000_000)] {
            assert_eq!(bucket(us), nearest);
        }
    }
}
