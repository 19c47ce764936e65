//! The command line of `fastpath measure`.

use std::path::PathBuf;

use clap::Args;
use ovsdb::Address;

use super::path::PathName;
use super::pod;

/// Measure the latency of every path that this node has, through the plugins that pods use
#[derive(Args)]
pub(crate) struct Measure {
    /// Only these paths; without any, all that the node has
    #[arg(long = "path", value_name = "PATH", num_args = 1..)]
    pub(super) paths: Vec<PathName>,
    /// Frames per second
    #[arg(long, value_name = "PPS", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(super) rate: u32,
    /// Length of a frame in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 96, value_parser = clap::value_parser!(u32).range(64..=1514))]
    pub(super) size: u32,
    /// Length of each round of a path, in seconds
    #[arg(long, value_name = "SECS", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub(super) duration: u32,
    /// Rounds; the paths take turns
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(super) rounds: u32,
    /// Write the report, too
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
    /// Write a picture, too
    #[arg(long, value_name = "FILE")]
    pub(super) svg: Option<PathBuf>,
    /// Write the report where the node agent takes it from
    #[arg(long)]
    pub(super) publish: bool,
    /// Measure nothing: suggest bands of budgets from the reports of several nodes
    #[arg(long, value_name = "REPORT", num_args = 1.., exclusive = true)]
    pub(super) suggest_bands: Vec<PathBuf>,
    /// Database of Open vSwitch
    #[arg(long, value_name = "ADDRESS", default_value = "unix:/var/run/openvswitch/db.sock")]
    pub(super) ovsdb: Address,
    /// PF whose VFs are measured; give two that are connected, or one for both ends
    #[arg(long = "pf", value_name = "NETDEV")]
    pub(super) pfs: Vec<String>,
    /// Program of the pod and its arguments, separated by spaces; {eal} and {forward} stand for those that
    /// its interfaces need
    #[arg(long, value_name = "COMMAND", default_value = pod::COMMAND)]
    pub(super) pod_command: String,
}

impl Measure {
    /// The paths that are to be measured, in the order of their names in the report.
    pub(super) fn wanted(&self) -> Vec<PathName> {
        let all = [
            PathName::Kernel,
            PathName::OvsDpdk,
            PathName::OvsDpdkPod,
            PathName::Vf,
            PathName::VfPod,
        ];
        let asked = |name: &PathName| self.paths.is_empty() || self.paths.contains(name);
        all.into_iter().filter(asked).collect()
    }
}
