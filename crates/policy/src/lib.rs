//! What is decided from measured latency: the report of a node, the bands of budgets, which bands the
//! reports of a cluster's nodes suggest, and which node keeps the budget of a pod.
//!
//! A reader's way to a pod's place: `budget` is what the pod says, `bands` which path that is (`table` as the operator writes it), `demand`
//! what it therefore wants, `node` what a node publishes (`node_object` where), `fit` whether the two fit and how well.
//!
//! Touches: nothing. Everything is a function of its arguments; there is no I/O, no clock and no
//! Kubernetes client in it.
//!
//! Latencies are microseconds as `f64`, budgets whole microseconds as `u64`.
#![forbid(unsafe_code)]

mod bands;
mod bucket;
mod budget;
mod datapath;
mod demand;
mod error;
mod fit;
pub mod fuzz;
mod node;
mod node_object;
mod published;
mod report;
mod suggest;
mod table;

pub use bands::{Band, Bands};
pub use bucket::bucket;
pub use budget::{Budget, LATENCY, LATENCY_WITH_UNIT};
pub use datapath::{Datapath, UnknownPath};
pub use demand::{Demand, INTERFACES, PATH, REQUIRE_MEASURED, interfaces, require_measured};
pub use error::Error;
pub use fit::{BEST, Fit, Misfit};
pub use node::{Figure, Node, Offer};
pub use node_object::{NodeMetadata, NodeObject, NodeObjects, device_count};
pub use published::{PATHS, RENEWED, VALIDITY};
pub use report::{Microseconds, PathReport, Report, VERSION};
pub use suggest::{Figures, Refusal, Suggestion, suggest};
pub use table::Table;
