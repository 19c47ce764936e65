//! `bench-multus`: what the meta-plugin adds to the plugins that it calls. `multus.sh` builds all that
//! is needed and starts it, in namespaces of its own.
//!
//! One pod gets its networks and gives them back, by each contender in turn, round after round, so
//! that whatever slows the machine down slows all of them. After each call the same plugins run once
//! more, called by this program: the difference is what the meta-plugin takes for itself.

#![expect(clippy::disallowed_methods, reason = "starts the contenders, which are executables")]
#![expect(clippy::print_stdout, reason = "a tool for a terminal")]
#![expect(clippy::print_stderr, reason = "a tool for a terminal")]

mod bed;
mod burst;
mod contender;
mod definitions;
mod report;
mod rounds;
mod scenario;

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use bench::measure;
use clap::{Args, Parser, Subcommand};

use bed::Bed;
use contender::Contender;
use definitions::Api;
use report::Report;
use scenario::Scenario;

/// Measures what a meta-plugin costs.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Measure all contenders and print the tables
    Run(Options),
    /// Run a program and print its peak RSS in KiB (used by `run`)
    PeakRss {
        /// Program and arguments
        #[arg(trailing_var_arg = true, required = true)]
        command: Vec<OsString>,
    },
}

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
    /// Write the tables here, too
    #[arg(long)]
    output: Option<PathBuf>,
}

fn main() -> Result<()> {
    match Cli::parse().task {
        Task::Run(options) => run(&options),
        Task::PeakRss { command } => measure::print_peak_rss(&command),
    }
}

fn run(options: &Options) -> Result<()> {
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

    let text = report.text()?;
    print!("{text}");
    if let Some(path) = &options.output {
        fs::write(path, &text).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

/// The contenders, ours first.
fn contenders(options: &Options) -> Result<Vec<Contender>> {
    let mut all = vec![Contender::new("multus-lite", &options.multus_lite)];
    for other in &options.other {
        let (name, path) =
            other.split_once('=').with_context(|| format!("--other {other}: not NAME=PATH"))?;
        all.push(Contender::new(name, path.as_ref()));
    }
    Ok(all)
}
