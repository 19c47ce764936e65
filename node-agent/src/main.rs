//! `node-agent`: one per node. See README.md for what it does to the host.

use std::process::ExitCode;

use hostnet::Host;

fn main() -> ExitCode {
    node_agent::run(&Host::real())
}
