//! What kubelet tells a node's programs.
#![forbid(unsafe_code)]
