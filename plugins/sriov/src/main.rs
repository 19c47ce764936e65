//! `sriov`: attach an SR-IOV virtual function to a pod. See README.md for the configuration.

use std::process::ExitCode;

use hostnet::Host;
use sriov_plugin::Sriov;

fn main() -> ExitCode {
    cni::run(&Sriov::new(Host::real()))
}
