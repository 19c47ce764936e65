//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use apiserver::Access;
use clap::{Args, Parser, Subcommand};

use crate::certificate::Certificate;
use crate::run::{Admission, Place, Run, Source};
use crate::tls::Files;

/// Answers kube-scheduler which nodes keep a pod's latency budget
#[derive(Parser)]
#[command(name = "latency-scheduler", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    options: Options,
    /// Say on stderr what is done
    #[arg(short, long, global = true)]
    verbose: bool,
}

#[derive(Subcommand)]
enum Command {
    Certificate(Certificate),
}

#[derive(Args)]
struct Options {
    /// Where kube-scheduler asks
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9443")]
    listen: SocketAddr,
    /// Where metrics and health are told, without TLS
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9465")]
    health: SocketAddr,
    /// How to reach the API server; as kubelet gives it to a pod, unless given
    #[arg(long, value_name = "FILE", conflicts_with = "nodes")]
    kubeconfig: Option<PathBuf>,
    /// The nodes, as `kubectl get nodes -o json` prints them, instead of an API server
    #[arg(long, value_name = "FILE")]
    nodes: Option<PathBuf>,
    /// Where the API server asks for admission; without it there is none
    #[arg(long, value_name = "ADDRESS", conflicts_with = "nodes")]
    admission: Option<SocketAddr>,
    /// The table of bands, YAML; the default one without it
    #[arg(long, value_name = "FILE", requires = "admission")]
    bands: Option<PathBuf>,
    /// Namespace whose labelled networks are for pods of all namespaces
    #[arg(long, value_name = "NAMESPACE", requires = "admission")]
    shared_namespace: Option<String>,
    /// Certificate, PEM; needed where it does not listen on loopback
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Key of the certificate, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Authority of kube-scheduler's certificate, PEM; then --listen speaks TLS, and to nobody else
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    client_ca: Option<PathBuf>,
}

impl Options {
    fn run(self) -> Run {
        let access = self.kubeconfig.map_or(Access::InCluster, Access::Kubeconfig);
        let files = self.tls_cert.zip(self.tls_key).map(|(certificate, key)| Files {
            certificate,
            key,
            clients: None,
        });
        let known = files
            .clone()
            .zip(self.client_ca)
            .map(|(files, ca)| Files { clients: Some(ca), ..files });
        let admission = self.admission.map(|listen| Admission {
            place: Place { listen, files },
            bands: self.bands,
            shared_namespace: self.shared_namespace,
            access: access.clone(),
        });
        Run {
            extender: Place { listen: self.listen, files: known },
            health: self.health,
            nodes: self.nodes.map_or(Source::Api(access), Source::File),
            admission,
        }
    }
}

/// Runs what the command line says, and tells on stderr why it could not.
#[expect(clippy::print_stderr, reason = "this is where a command's failure is told")]
#[must_use]
pub fn run() -> ExitCode {
    let Cli { command, options, verbose } = Cli::parse();
    cni::logging::init(Some(if verbose { "debug" } else { "info" }), None, "latency-scheduler");
    let done = match command {
        Some(Command::Certificate(certificate)) => certificate.run(),
        None => options.run().run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("latency-scheduler: {error:#}");
            ExitCode::FAILURE
        }
    }
}
