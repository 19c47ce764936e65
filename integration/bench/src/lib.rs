//! What the benchmarks share: taking the time and the memory of one call, and telling of many.
//!
//! - `bench-sriov`: what an attachment of a VF costs, in the test VM (`sriov.sh`)
//! - `bench-multus`: what multus-lite adds to the plugins that it calls, on this machine (`multus.sh`)

pub mod measure;
pub mod table;
