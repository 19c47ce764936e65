//! What was measured, as the report that others read and as curves for the picture.

use std::fs;

use policy::{Datapath, Microseconds, PathReport, Report};

use super::path::PathName;
use super::picture::Curve;
use super::rounds::{Measured, Plan};

/// Quantiles of the curves.
const QUANTILES: [f64; 12] =
    [0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9995, 0.9999];

/// Student's t for a 95 % interval, by degrees of freedom from 1 on; 1.96 beyond.
const T95: [f64; 15] =
    [12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20, 2.18, 2.16, 2.14, 2.13];

/// A path and what came of it.
pub(super) struct Measurement {
    pub(super) name: PathName,
    pub(super) driver: String,
    pub(super) numa: Option<u32>,
    pub(super) measured: Measured,
}

impl Measurement {
    /// Its part of the report.
    pub(super) fn report(&self, plan: &Plan) -> PathReport {
        let measured = &self.measured;
        PathReport {
            name: self.name.to_string(),
            path: self.name.datapath(),
            driver: self.driver.clone(),
            numa: self.numa,
            size_bytes: plan.size_bytes,
            rate_pps: plan.rate_pps,
            rounds: plan.rounds,
            sent: measured.sent,
            received: measured.received,
            lost: measured.lost,
            reordered: measured.reordered,
            us: figures(measured),
            p50_interval95: interval95(&measured.medians),
        }
    }

    /// Its line in the plot of percentiles. Beyond what so many frames can tell there is none.
    pub(super) fn curve(&self) -> Curve {
        let told = |quantile: &f64| (1.0 - quantile) * count(self.measured.received) >= 1.0;
        let point = |quantile: f64| Some((quantile, self.measured.us(quantile)?));
        let points = QUANTILES.into_iter().filter(told).filter_map(point).collect();
        Curve { name: self.name.to_string(), points }
    }
}

#[expect(clippy::cast_precision_loss, reason = "no measurement sends 2^52 frames")]
fn count(frames: u64) -> f64 {
    frames as f64
}

fn figures(measured: &Measured) -> Option<Microseconds> {
    Some(Microseconds {
        min: measured.us(0.0)?,
        p50: measured.us(0.5)?,
        p90: measured.us(0.9)?,
        p99: measured.us(0.99)?,
        p99_9: measured.us(0.999)?,
        max: measured.us(1.0)?,
    })
}

/// Of the mean of the rounds' medians (Student's t).
fn interval95(medians: &[f64]) -> Option<[f64; 2]> {
    let freedom = medians.len().checked_sub(1).filter(|freedom| *freedom > 0)?;
    let n = count(medians.len() as u64);
    let mean = medians.iter().sum::<f64>() / n;
    let variance = medians.iter().map(|median| (median - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let half = T95.get(freedom - 1).unwrap_or(&1.96) * (variance / n).sqrt();
    Some([(mean - half).max(0.0), mean + half])
}

/// The report of this node.
pub(super) fn report(results: &[Measurement], plan: &Plan, method: String, load1: f64) -> Report {
    let line = |file: &str| fs::read_to_string(file).unwrap_or_default().trim().to_owned();
    Report {
        version: policy::VERSION,
        node: line("/proc/sys/kernel/hostname"),
        measured_at: jiff::Timestamp::now(),
        method,
        kernel: line("/proc/sys/kernel/osrelease"),
        load1,
        paths: results.iter().map(|result| result.report(plan)).collect(),
    }
}

/// Load average of the last minute.
pub(super) fn load1() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or_default()
}

impl PathName {
    fn datapath(self) -> Datapath {
        match self {
            Self::Kernel => Datapath::Kernel,
            Self::OvsDpdk | Self::OvsDpdkPod => Datapath::OvsDpdk,
            Self::Ovn => Datapath::Ovn,
            Self::Vf | Self::VfPod => Datapath::Vf,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_that_of_students_t() {
        let [low, high] = interval95(&[10.0, 12.0, 14.0]).unwrap();
        // 12 ± 4.30 * 2 / sqrt(3)
        assert!((low - 7.035).abs() < 0.01 && (high - 16.965).abs() < 0.01, "{low} {high}");
        assert_eq!(interval95(&[10.0]), None);
        assert_eq!(interval95(&[]), None);
    }
}
