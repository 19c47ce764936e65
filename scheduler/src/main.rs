//! `latency-scheduler`: beside kube-scheduler, and in front of the API server. See README.md.

use std::process::ExitCode;

fn main() -> ExitCode {
    latency_scheduler::run()
}
