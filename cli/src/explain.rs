//! `fastpath explain`: which nodes a pod with a latency budget may go to, and why not to the others.
//!
//! A reader's way: `pod` is what the pod wants, `cluster` what the API server says of bands, nodes and free
//! devices, `text` what is printed.

mod cluster;
mod pod;
mod text;

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use apiserver::Access;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use policy::{NodeObject, NodeObjects, Table};

use cluster::Cluster;
use pod::{Pod, Wanted};
use text::Explained;

/// Say of each node whether a pod with a latency budget may go there, how well it suits, or why not
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Explain {
    #[command(subcommand)]
    of: Option<Of>,
    /// The pod, YAML or JSON, whether it exists or not
    #[arg(long, value_name = "FILE", required = true)]
    file: Option<PathBuf>,
    /// The nodes, as `kubectl get nodes -o json` prints them, instead of an API server
    #[arg(long, value_name = "FILE")]
    nodes: Option<PathBuf>,
    /// How to reach the API server: else ~/.kube/config, or as kubelet gives it to a pod
    #[arg(long, global = true, env = "KUBECONFIG", value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Of {
    /// A pod of the cluster
    Pod {
        /// Its name
        name: String,
        /// Its namespace
        #[arg(short, long, default_value = "default")]
        namespace: String,
    },
}

impl Explain {
    /// Fails when no node will do.
    pub(crate) fn run(&self) -> Result<ExitCode> {
        let explained = self.explained()?;
        let (text, fits) = explained.tell(Timestamp::now())?;
        io::stdout().write_all(text.as_bytes()).context("write to stdout")?;
        Ok(if fits { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn explained(&self) -> Result<Explained> {
        if let Some(Of::Pod { name, namespace }) = &self.of {
            let cluster = Cluster::connect(&self.access())?;
            return in_cluster(&cluster, cluster.pod(namespace, name)?);
        }
        let file = self.file.as_ref().context("give `pod NAME`, or --file FILE")?;
        let pod = serde_saphyr::from_str(&read(file)?);
        let pod = Pod::new(pod.with_context(|| format!("{} is no YAML", file.display()))?);
        match &self.nodes {
            Some(nodes) => from_file(pod, nodes),
            None => in_cluster(&Cluster::connect(&self.access())?, pod),
        }
    }

    fn access(&self) -> Access {
        let own = std::env::home_dir().map(|home| home.join(".kube/config"));
        let own = own.filter(|file| file.exists());
        self.kubeconfig.clone().or(own).map_or(Access::InCluster, Access::Kubeconfig)
    }
}

fn in_cluster(cluster: &Cluster, pod: Pod) -> Result<Explained> {
    let (table, bands) = cluster.bands()?;
    let wanted = Wanted::of(&pod, &table)?;
    let nodes = match &wanted {
        Some(wanted) => cluster.nodes(&pod, wanted)?,
        None => Vec::new(),
    };
    Ok(Explained { pod, wanted, bands, nodes })
}

fn from_file(pod: Pod, nodes: &Path) -> Result<Explained> {
    let list = serde_json::from_str(&read(nodes)?);
    let list: NodeObjects = list.with_context(|| format!("{} lists no nodes", nodes.display()))?;
    let entry = |object: NodeObject| {
        let node = object.node();
        (object.metadata.name, node)
    };
    let nodes = list.items.unwrap_or_default().into_iter().map(entry).collect();
    let wanted = Wanted::of(&pod, &Table::default())?;
    let bands = "the default ones: no API server is asked for others".to_owned();
    Ok(Explained { pod, wanted, bands, nodes })
}

fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("read {}", file.display()))
}

#[cfg(test)]
#[path = "explain/tests.rs"]
mod tests;
