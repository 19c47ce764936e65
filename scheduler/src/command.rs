//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use apiserver::Access;
use clap::{Args, Parser, Subcommand};

use crate::admission::Settings;
use crate::certificate::Certificate;
use crate::run::{Admission, Source};
use crate::tls::Files;

/// Answers kube-scheduler which nodes keep a pod's latency budget
#[derive(Parser)]
#[command(name = "latency-scheduler", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: Run,
    /// Say on stderr what is done
    #[arg(short, long, global = true)]
    verbose: bool,
}

#[derive(Subcommand)]
enum Command {
    Certificate(Certificate),
}

#[derive(Args)]
struct Run {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9443")]
    listen: SocketAddr,
    /// How to reach the API server; as kubelet gives it to a pod, unless given
    #[arg(long, value_name = "FILE", conflicts_with = "nodes")]
    kubeconfig: Option<PathBuf>,
    /// The nodes, as `kubectl get nodes -o json` prints them, instead of an API server
    #[arg(long, value_name = "FILE")]
    nodes: Option<PathBuf>,
    /// Where to listen for admission reviews; without it there is no admission
    #[arg(long, value_name = "ADDRESS", conflicts_with = "nodes")]
    admission: Option<SocketAddr>,
    /// Certificate for admission, PEM; needed where it does not listen on loopback
    #[arg(long, value_name = "FILE", requires = "admission", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Key of the certificate, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Namespace whose labelled networks are for pods of all namespaces
    #[arg(long, value_name = "NAMESPACE", requires = "admission")]
    shared_namespace: Option<String>,
}

impl Run {
    fn run(self) -> Result<()> {
        let access = self.kubeconfig.map_or(Access::InCluster, Access::Kubeconfig);
        let files = self.tls_cert.zip(self.tls_key);
        let admission = self.admission.map(|listen| Admission {
            listen,
            files: files.map(|(certificate, key)| Files { certificate, key }),
            settings: Settings { shared_namespace: self.shared_namespace, ..Settings::default() },
            access: access.clone(),
        });
        let source = self.nodes.map_or(Source::Api(access), Source::File);
        crate::run::run(self.listen, source, admission)
    }
}

/// Runs what the command line says, and tells on stderr why it could not.
#[expect(clippy::print_stderr, reason = "this is where a command's failure is told")]
#[must_use]
pub fn run() -> ExitCode {
    let Cli { command, run, verbose } = Cli::parse();
    cni::logging::init(Some(if verbose { "debug" } else { "info" }), None, "latency-scheduler");
    let done = match command {
        Some(Command::Certificate(certificate)) => certificate.run(),
        None => run.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("latency-scheduler: {error:#}");
            ExitCode::FAILURE
        }
    }
}
