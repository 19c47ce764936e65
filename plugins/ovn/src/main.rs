//! `ovn`: attach a port of an OVN overlay to a pod. See README.md for the configuration.

use std::process::ExitCode;

use hostnet::Host;
use ovn_plugin::Ovn;

fn main() -> ExitCode {
    cni::run(&Ovn::new(Host::real()))
}
