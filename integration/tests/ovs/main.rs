//! A real OVS-DPDK and dpdk-testpmd as pods' programs. Runs in namespaces of its own, see
//! docs/testing.md.

#![expect(clippy::unwrap_used, reason = "a panic with its line is a test's report")]

mod agent;
mod bed;
mod examples;
mod harness;
mod killed;
mod measure;
mod ovn;
mod pod;
mod repair;
mod sockets;
mod switch;
mod traffic;
mod ugly;
mod verbs;
