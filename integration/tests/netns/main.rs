//! The sriov plugin over a made-up sysfs, with veth devices as PF and VF: real kernel, real
//! namespaces, no SR-IOV hardware; and `frames` over paths of veth devices. Runs under `unshare -mn`.
//!
//! What only a real VF can show (PF-side settings, drivers, a namespace that dies) is in the VM suite.

#![expect(clippy::unwrap_used, reason = "a panic with its line is a test's report")]

mod bed;
mod extender;
mod frames;
mod frames_witness;
mod killed;
mod multus;
mod multus_gc;
mod repair;
mod sriov;
