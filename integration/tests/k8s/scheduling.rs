//! latency-scheduler as deploy/ ships it, with a real API server and a real kube-scheduler. Nodes are objects without a
//! kubelet: a pod is placed when it has the name of one.

mod admission;
mod bands;
mod chain;
mod nodes;
mod outages;
mod own;
mod program;
mod races;
mod remote;
mod rendered;
pub(crate) mod scene;
mod vf_chain;
