//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use apiserver::Access;
use clap::Parser;

use crate::run::Source;

/// Answers kube-scheduler which nodes keep a pod's latency budget
#[derive(Parser)]
#[command(name = "latency-scheduler", version)]
struct Cli {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9443")]
    listen: SocketAddr,
    /// How to reach the API server; as kubelet gives it to a pod, unless given
    #[arg(long, value_name = "FILE", conflicts_with = "nodes")]
    kubeconfig: Option<PathBuf>,
    /// The nodes, as `kubectl get nodes -o json` prints them, instead of an API server
    #[arg(long, value_name = "FILE")]
    nodes: Option<PathBuf>,
    /// Say on stderr what is done
    #[arg(short, long)]
    verbose: bool,
}

/// Runs what the command line says, and tells on stderr why it could not.
#[expect(clippy::print_stderr, reason = "this is where a command's failure is told")]
#[must_use]
pub fn run() -> ExitCode {
    let Cli { listen, kubeconfig, nodes, verbose } = Cli::parse();
    cni::logging::init(Some(if verbose { "debug" } else { "info" }), None, "latency-scheduler");
    let source = match nodes {
        Some(file) => Source::File(file),
        None => Source::Api(kubeconfig.map_or(Access::InCluster, Access::Kubeconfig)),
    };
    match crate::run::run(listen, source) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("latency-scheduler: {error:#}");
            ExitCode::FAILURE
        }
    }
}
