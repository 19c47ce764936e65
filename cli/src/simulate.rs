//! `fastpath simulate`: what would become of pods in a cluster that does not exist, by our way to place them and
//! by two others.
//!
//! A reader's way: `cluster` (or `real_nodes`) and `trace` are the two files, `machine` is a node, `algorithm` what is compared, `kube_scheduler` what
//! all of them work within, `run` the time that passes, `tally` what is counted.

mod algorithm;
mod cluster;
mod file;
mod kube_scheduler;
mod machine;
mod picture;
mod real_nodes;
mod room;
mod run;
mod table;
mod tally;
mod trace;
mod words;

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use anyhow::{Context, Result};
use clap::Args;

use crate::yaml;
use algorithm::{Algorithm, Blind, Ours, Thesis};
use machine::Machine;
use run::run;
use tally::Tally;
use trace::Pod;

/// Place the pods of a file on the nodes of another, by measured latency and without; nothing is changed anywhere
#[derive(Args)]
pub(crate) struct Simulate {
    /// The nodes, YAML
    #[arg(long, value_name = "FILE", required_unless_present = "nodes")]
    cluster: Option<PathBuf>,
    /// Nodes of a real cluster, as `kubectl get nodes -o json` prints them, instead
    #[arg(long, value_name = "FILE", conflicts_with = "cluster")]
    nodes: Option<PathBuf>,
    /// The pods, YAML
    #[arg(long, value_name = "FILE")]
    trace: PathBuf,
    /// Write a picture, too
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

impl Simulate {
    pub(crate) fn run(&self) -> Result<ExitCode> {
        let machines = match (&self.cluster, &self.nodes) {
            (_, Some(nodes)) => yaml::read(nodes, real_nodes::parse)?,
            (cluster, None) => {
                yaml::read(cluster.as_ref().context("give --cluster or --nodes")?, cluster::parse)?
            }
        };
        let pods = yaml::read(&self.trace, trace::parse)?;
        let columns = compare(&machines, &pods);
        let about = [words::cluster(&machines), words::trace(&pods)];
        let text = format!("{}\n\n{}", about.join("\n"), table::table(&columns));
        io::stdout().write_all(text.as_bytes()).context("write to stdout")?;
        if let Some(file) = &self.svg {
            let picture = picture::svg(&about, &columns)?;
            fs::write(file, picture).with_context(|| format!("write {}", file.display()))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What becomes of the pods by each algorithm; all are run at once.
fn compare(machines: &[Machine], pods: &[Pod]) -> Vec<(&'static str, Tally)> {
    let ours = Ours::default();
    let algorithms: [&dyn Algorithm; 3] = [&ours, &Thesis, &Blind];
    thread::scope(|scope| {
        let started = algorithms.map(|algorithm| {
            let tally = scope.spawn(|| {
                let mut tally = Tally::default();
                run(algorithm, machines.to_vec(), pods, |pod, fate| tally.add(pod, fate));
                tally
            });
            (algorithm.name(), tally)
        });
        let ended = started.map(|(name, tally)| (name, tally.join()));
        ended.into_iter().map(|(name, tally)| (name, tally.expect("it does not panic"))).collect()
    })
}
