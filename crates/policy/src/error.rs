//! What can be wrong with a node's report, or with what a pod asks for.

use crate::Budget;

/// Failures of this crate. The variant is the operation, the fields its object.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text is not JSON.
    #[error("the report is not JSON")]
    Json {
        /// Where it stops to be.
        source: serde_json::Error,
    },
    /// It was written by a program of another version.
    #[error("the report has version {found}; valid is {}", crate::VERSION)]
    Version {
        /// Its version.
        found: u64,
    },
    /// A key has a value of another shape, or lacks one.
    #[error("the report's {key} is not what it must be")]
    Shape {
        /// Key with its path: `paths[0].us.p99`; `.` is the report itself.
        key: String,
        /// What is wrong and what is valid.
        source: serde_json::Error,
    },
    /// A value cannot be.
    #[error("the report's {key} is {found}: it must be {want}")]
    Invalid {
        /// Key with its path: `paths[0].us.p99`.
        key: String,
        /// What it is; texts are escaped and shortened.
        found: String,
        /// What is valid.
        want: &'static str,
    },
    /// An annotation of a pod cannot be.
    #[error("annotation {annotation} is {found}: it must be {want}")]
    Annotation {
        /// Its name.
        annotation: &'static str,
        /// Its value, escaped and shortened.
        found: String,
        /// What would work.
        want: &'static str,
    },
    /// The table of bands is not the YAML that it must be.
    #[error("the table of bands is not understood: {why}")]
    Yaml {
        /// Where it stops to be, and what is valid.
        why: String,
    },
    /// A value in the table of bands cannot be.
    #[error("the table of bands, line {line}: {key} is {found}: it must be {want}")]
    Table {
        /// Its line.
        line: u64,
        /// Its key.
        key: &'static str,
        /// What it is, escaped and shortened.
        found: String,
        /// What is valid.
        want: &'static str,
    },
    /// Two annotations are budgets, and not the same.
    #[error(
        "annotation {} says {plain} and {} says {with_unit}: give one of them",
        crate::LATENCY,
        crate::LATENCY_WITH_UNIT
    )]
    TwoBudgets {
        /// That without a unit.
        plain: Budget,
        /// That with one.
        with_unit: Budget,
    },
    /// The budget is below all bands.
    #[error("no path keeps a budget of {budget}: the least that works is {lowest_us} µs")]
    TooLow {
        /// It.
        budget: Budget,
        /// The edge of the first band, µs.
        lowest_us: u64,
    },
    /// A pod has a budget, and no path.
    #[error(
        "admission did not run: the pod has a latency budget and no annotation {}; see that the webhook \
         of latency-scheduler is registered, and create the pod again",
        crate::PATH
    )]
    NotAdmitted,
}
