//! What the benchmarks share: calling a plugin, taking its time and its memory, many of them at once, and
//! telling of it.
//!
//! - `bench-sriov`: what an attachment of a VF costs, in the test VM (`sriov.sh`)
//! - `bench-multus`: what multus-lite adds to the plugins that it calls, on this machine (`multus.sh`)
//! - `bench-vhostuser`: what a port of OVS-DPDK costs, on this machine (`vhostuser.sh`)
//! - `bench-ovn`: what a port on an overlay costs, on this machine (`ovn.sh`)
//! - `bench-node-agent`: the idle agent, and how soon kubelet knows of a change (`node-agent.sh`)
//! - `bench-latency-scheduler`: a question's time, memory, and pods a second (`latency-scheduler.sh`)
//! - `bench-latency-scheduler`: what the extender of kube-scheduler costs, on this machine (`latency-scheduler.sh`)

pub mod burst;
pub mod call;
pub mod cli;
pub mod host;
pub mod measure;
pub mod rounds;
pub mod table;
pub mod trace;
