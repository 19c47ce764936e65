//! The node agent: what a node has, handed out by kubelet, reported to the cluster, kept in order.
//!
//! A reader's way: `command` is what can be asked of it; `inventory` what the node has.

#![forbid(unsafe_code)]

mod command;
mod inventory;

pub use command::run;
