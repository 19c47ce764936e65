//! `bench-multus`: what the meta-plugin adds to the plugins that it calls. `multus.sh` builds all that
//! is needed and starts it, in namespaces of its own.
//!
//! One pod gets its networks and gives them back, by each contender in turn, round after round, so
//! that whatever slows the machine down slows all of them. After each call the same plugins run once
//! more, called by this program: the difference is what the meta-plugin takes for itself.

#![expect(clippy::print_stderr, reason = "a tool for a terminal")]

mod bed;
mod burst;
mod contender;
mod definitions;
mod report;
mod rounds;
mod scenario;

use std::path::PathBuf;

use anyhow::{Result, ensure};
use bench::cli::others;
use clap::Args;

use bed::Bed;
use contender::Contender;
use definitions::Api;
use report::Report;
use scenario::Scenario;

#[derive(Args)]
struct Options {
    /// The meta-plugin
    #[arg(long)]
    multus_lite: PathBuf,
    /// The plugin that it calls
    #[arg(long)]
    delegate: PathBuf,
    /// NAME=PATH: one more meta-plugin, called with the same configuration (repeatable)
    #[arg(long)]
    other: Vec<String>,
    /// An empty directory for what the meta-plugins keep, on the disk that counts
    #[arg(long)]
    state: PathBuf,
    /// Manifests of the kind of definitions, and of the rights of who reads them
    #[arg(long)]
    manifests: Option<PathBuf>,
    /// Rounds that count
    #[arg(long, default_value_t = 50)]
    rounds: usize,
    /// Pods that start at once
    #[arg(long, default_value_t = 100)]
    pods: usize,
}

fn main() -> Result<()> {
    bench::cli::main(run)
}

fn run(options: &Options) -> Result<String> {
    ensure!(options.rounds > 0, "no rounds");
    let bed = Bed::make(&options.state, &options.delegate)?;
    let contenders = contenders(options)?;
    let mut report = Report::new(contenders);
    let delegates = |count: &usize| Scenario::of_delegates(*count, &report.contenders, &bed);
    let scenarios = scenario::SIZES.iter().map(delegates).collect();
    report.measure(scenarios, options.rounds, &bed, None)?;
    // Not before: its processes are in the way of others, also while nobody asks them.
    match &options.manifests {
        Some(manifests) => {
            let api = Api::start(manifests, &report.contenders);
            let scenario = api.scenario(&report.contenders, &bed);
            report.measure(vec![scenario], options.rounds, &bed, Some(&api))?;
        }
        None => eprintln!("SKIP definitions of an API server: no --manifests"),
    }
    report.bursts = burst::measure(&report.contenders, &bed, options.pods)?;
    report.text()
}

/// The contenders, ours first.
fn contenders(options: &Options) -> Result<Vec<Contender>> {
    let mut all = vec![Contender::new("multus-lite", &options.multus_lite)];
    all.extend(others(&options.other)?.into_iter().map(|(name, path)| Contender::new(name, path)));
    Ok(all)
}
