//! `vhostuser`: attach a port of OVS-DPDK to a pod. See README.md for the configuration.

use std::process::ExitCode;

use hostnet::Host;
use vhostuser_plugin::Vhostuser;

fn main() -> ExitCode {
    cni::run(&Vhostuser::new(Host::real()))
}
