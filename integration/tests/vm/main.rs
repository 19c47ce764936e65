//! The plugins on real virtual functions: runs inside the test VM, one test at a time.
//!
//! Witnesses are `ip -j` and sysfs. The facts about igb that the tests pin down are in
//! integration/vm/README.md.

#![expect(clippy::unwrap_used, reason = "a panic with its line is a test's report")]

mod agent;
mod bed;
mod dpdk;
mod examples;
mod kernel;
mod killed;
mod measure;
mod multus;
mod ovn;
mod owners;
mod repair;
