//! The latency scheduler: kube-scheduler stays the engine, and asks here which of its nodes keeps the
//! latency budget of a pod.
//!
//! A reader's way: `command` is what can be asked of it, `run` how it runs; `http` the connections, `tls` what they show, `routes`
//! what is answered where; `extender` the answers to kube-scheduler, in the words of `wire`, from what
//! `nodes` knows of the cluster; `admission` is what becomes of pods before they are created. What is decided is
//! decided in the crate `policy`.

#![forbid(unsafe_code)]

pub mod admission;
mod certificate;
mod command;
mod extender;
pub mod fuzz;
mod http;
pub mod in_process;
mod metrics;
mod nodes;
mod reloaded;
mod routes;
mod run;
#[cfg(test)]
mod served;
mod tls;
mod wire;

pub use command::run;
