//! What is decided from measured latency: the report of a node, the bands of budgets, and which bands
//! the reports of a cluster's nodes suggest.
//!
//! Touches: nothing. Everything is a function of its arguments; there is no I/O, no clock and no
//! Kubernetes client in it.
//!
//! Latencies are microseconds as `f64`, budgets whole microseconds as `u64`.
#![forbid(unsafe_code)]

mod bands;
mod bucket;
mod datapath;
mod error;
pub mod fuzz;
mod published;
mod report;
mod suggest;

pub use bands::{Band, Bands};
pub use bucket::bucket;
pub use datapath::{Datapath, UnknownPath};
pub use error::Error;
pub use published::{PATHS, RENEWED, VALIDITY};
pub use report::{Microseconds, PathReport, Report, VERSION};
pub use suggest::{Figures, Refusal, Suggestion, suggest};
