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
    #[arg(long, default_value_t = 100)]
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
    let api = options.manifests.as_deref().map(|dir| Api::start(dir, &contenders));
    if api.is_none() {
        eprintln!("SKIP definitions of an API server: no --manifests");
    }

    let mut scenarios: Vec<Scenario> =
        scenario::SIZES.iter().map(|n| Scenario::of_delegates(*n, &contenders, &bed)).collect();
    scenarios.extend(api.as_ref().map(|api| api.scenario(&contenders, &bed)));
    let warm_up = rounds::warm_up(&scenarios, &contenders, &bed, api.as_ref())?;
    let series = rounds::measure(&scenarios, &contenders, &warm_up, options.rounds)?;
    let adds = rounds::WARM_UP + options.rounds;
    let own_time = |api: &Api| (0..contenders.len()).map(|i| api.own_time(i, adds)).collect();
    let api_times = api.as_ref().map_or_else(|| Ok(Vec::new()), own_time)?;
    // Its processes would be in the way of many at once.
    drop(api);
    let bursts = burst::measure(&contenders, &bed, options.pods)?;

    let text = Report { contenders, scenarios, warm_up, series, api_times, bursts }.text()?;
    print!("{text}");
    if let Some(path) = &options.output {
        fs::write(path, &text).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

/// The contenders, ours first.
fn contenders(options: &Options) -> Result<Vec<Contender>> {
    let mut all = vec![Contender::multus_lite(&options.multus_lite)];
    for other in &options.other {
        let (name, path) =
            other.split_once('=').with_context(|| format!("--other {other}: not NAME=PATH"))?;
        all.push(Contender::other(name, path.as_ref()));
    }
    Ok(all)
}
