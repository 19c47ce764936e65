//! What the tests of this workspace share; no shipped program depends on it.
//!
//! - [`kill`]: kill a program at each of its state-changing calls and see whether the host recovers
//! - [`cni`]: run a CNI plugin as a container runtime does
//! - [`corpus`]: run a fuzzer's target over its corpus and mutations of it
//! - [`device_plugin`]: give a real kubelet devices that are nothing but ids
//! - [`fake_api`]: an API server that answers as a test wants, well or badly
//! - [`k8s`]: a Kubernetes with one node, of the test's own
//! - [`ovs`], [`testpmd`]: an Open vSwitch with DPDK, and the program of a pod at the end of its sockets
//! - [`ovn`]: an overlay: databases, northd, chassis in namespaces
//! - [`netns`]: network namespaces that go away with the test, mounts that are not the host's
//! - [`witness`]: what iproute2 and sysfs say, for assertions
//! - [`port`], [`authority`]: ports for servers that must be told theirs; certificates for TLS
//! - [`wait`], [`mod@skip`]: waiting with a deadline; leaving a test out so that it shows
//!
//! Nothing here reads the host through our own crates: a test that asserts with the code it tests
//! proves nothing. Everything panics when it cannot do its work, with what it saw, as a test would.

#![forbid(unsafe_code)]
#![expect(
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::unwrap_used,
    reason = "for tests only: to panic is how everything here reports, and may be all that a call is for"
)]

#[cfg(not(target_arch = "x86_64"))]
compile_error!("the kill harness knows the system calls of x86_64 only");

pub mod authority;
pub mod cni;
pub mod corpus;
mod daemon;
pub mod device_plugin;
pub mod fake_api;
pub mod k8s;
pub mod kill;
pub mod kubelet;
pub mod netns;
pub mod node_agent;
pub mod ovn;
pub mod ovs;
pub mod port;
mod process;
pub mod skip;
pub mod testpmd;
pub mod wait;
pub mod witness;
