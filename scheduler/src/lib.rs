//! The latency scheduler: kube-scheduler stays the engine, and asks here which of its nodes keeps the
//! latency budget of a pod.
//!
//! A reader's way: `command` is what can be asked of it.

#![forbid(unsafe_code)]

mod command;

pub use command::run;
