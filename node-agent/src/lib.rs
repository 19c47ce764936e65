//! The node agent: what a node has, handed out by kubelet, reported to the cluster, kept in order.
//!
//! A reader's way: `command` is what can be asked of it; `config` what the operator wants; `inventory` what the
//! node has, `watch` what tells that it has changed; `pools` which devices are handed out, `health` whether
//! they can be, `offer` how kubelet sees them; `report` what the cluster is told; `caretaker` how the
//! node is kept in order (`repair` on the command line), `metrics` and `http` what monitoring asks for; `agent`
//! brings all of it together. `install` puts the plugins into place.

#![forbid(unsafe_code)]

mod agent;
mod caretaker;
mod command;
mod config;
mod health;
mod http;
mod install;
mod inventory;
mod metrics;
mod offer;
mod pools;
mod repair;
mod report;
mod watch;

pub use command::run;
