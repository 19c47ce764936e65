//! A real Kubernetes: API server, kubelet, containerd. Runs in namespaces of its own, see
//! docs/testing.md.

#![expect(clippy::unwrap_used, reason = "a panic with its line is a test's report")]

mod api;
mod bed;
mod cluster;
mod deploy;
mod explain;
mod multus_api;
mod node_agent;
mod node_devices;
mod node_examples;
mod node_gc;
mod node_marker;
mod node_networks;
mod node_repair;
mod node_restarts;
mod node_sockets;
mod node_state;
mod node_static;
mod report;
mod scheduling;
mod vm_node;
