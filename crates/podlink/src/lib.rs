//! An interface of the kernel in a pod, whichever plugin brought it there: the addresses and routes that IPAM gave, told to the
//! neighbours (`address`), and what CHECK compares (`check`).
//!
//! Touches: that interface, through the socket of its namespace that it is given.
#![forbid(unsafe_code)]

mod address;
mod check;

pub use address::{announce, configure};
pub use check::drift;
