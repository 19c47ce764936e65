//! What can be wrong with a report.

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
}
