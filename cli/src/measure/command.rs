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
    #[command(flatten)]
    pub(super) overlay: Overlay,
    /// PF whose VFs are measured; give two that are connected, or one for both ends
    #[arg(long = "pf", value_name = "NETDEV")]
    pub(super) pfs: Vec<String>,
    /// Program of the pod and its arguments, separated by spaces; {eal} and {forward} stand for those that
    /// its interfaces need
    #[arg(long, value_name = "COMMAND", default_value = pod::COMMAND)]
    pub(super) pod_command: String,
}

/// Where the databases and the chassis of OVN are; this node's chassis is the switch of `--ovsdb`.
#[derive(Args)]
pub(super) struct Overlay {
    /// Northbound database of OVN; its servers, separated by commas
    #[arg(long, value_name = "ADDRESS", default_value = "unix:/var/run/ovn/ovnnb_db.sock")]
    pub(super) nb: String,
    /// Files of PEM for a northbound database that is reached by ssl:
    #[arg(long, num_args = 3, value_names = ["KEY", "CERTIFICATE", "AUTHORITY"])]
    pub(super) nb_tls: Vec<PathBuf>,
    /// Namespace of a second chassis on this machine, by name or path: path ovn then crosses the tunnel to it
    #[arg(long, value_name = "NETNS", requires = "peer_ovsdb")]
    pub(super) peer_netns: Option<PathBuf>,
    /// Database of Open vSwitch of that chassis
    #[arg(long, value_name = "ADDRESS", requires = "peer_netns")]
    pub(super) peer_ovsdb: Option<Address>,
}

impl Measure {
    /// The paths that are to be measured, in the order of their names in the report.
    pub(super) fn wanted(&self) -> Vec<PathName> {
        let all = [
            PathName::Kernel,
            PathName::OvsDpdk,
            PathName::OvsDpdkPod,
            PathName::Ovn,
            PathName::Vf,
            PathName::VfPod,
        ];
        let asked = |name: &PathName| self.paths.is_empty() || self.paths.contains(name);
        all.into_iter().filter(asked).collect()
    }
}
