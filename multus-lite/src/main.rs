//! `multus-lite`: the CNI meta-plugin. See README.md for the configuration.

use std::process::ExitCode;

use multus_lite::{MultusLite, Places};

fn main() -> ExitCode {
    cni::run(&MultusLite::new(Places::real()))
}
