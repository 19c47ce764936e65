//! `bench-sriov`: what an attachment of a VF costs, next to other ways of doing the same. Runs inside
//! the test VM; `sriov.sh` brings it there.
//!
//! One VF goes into a namespace and comes back, by each contender in turn, round after round, so that
//! whatever slows the machine down slows all of them.

#![expect(clippy::disallowed_methods, reason = "starts the contenders, which are executables")]
#![expect(clippy::print_stdout, reason = "a tool for a terminal")]
#![expect(clippy::print_stderr, reason = "a tool for a terminal")]

mod contender;
mod report;
mod stage;
mod trace;

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bench::measure::{self, Cost};
use clap::{Args, Parser, Subcommand};

use contender::{Contender, Figures, Verb};
use stage::Stage;

/// Between two calls, for what the kernel does after an answer (link state, work queues).
const SETTLE: Duration = Duration::from_millis(20);

/// Measures what an attachment costs.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Measure all contenders and print the table
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
    /// The plugin
    #[arg(long)]
    sriov: PathBuf,
    /// The bare program
    #[arg(long)]
    floor: PathBuf,
    /// A plugin that moves any device
    #[arg(long, default_value = "/usr/lib/cni/host-device")]
    host_device: PathBuf,
    /// NAME=PATH: one more CNI plugin, called with the configuration of `sriov` (repeatable)
    #[arg(long)]
    other: Vec<String>,
    /// The network interface whose first VF is used
    #[arg(long, default_value = "eth0")]
    pf: String,
    /// VFs of the PF, as on a node in use
    #[arg(long, default_value_t = 7)]
    vfs: u32,
    /// Rounds that count
    #[arg(long, default_value_t = 30)]
    rounds: usize,
    /// Rounds before, in which peak RSS is taken
    #[arg(long, default_value_t = 3)]
    warm_up: usize,
    /// Write the table here, too
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
    ensure!(options.rounds > 0 && options.warm_up > 0, "no rounds");
    let stage = Stage::set(&options.pf, options.vfs)?;
    let contenders = contenders(options)?;
    let mut figures: Vec<Figures> = contenders.iter().map(|_| Figures::default()).collect();

    for round in 0..options.warm_up {
        eprintln!("warm-up {} of {}", round + 1, options.warm_up);
        for (contender, figures) in contenders.iter().zip(&mut figures) {
            let rss = measure::peak_rss(&contender.command(Verb::Add, &stage), &contender.conf)
                .with_context(|| format!("ADD of {}", contender.name))?;
            stage.must_be_away(contender)?;
            figures.peak_rss = figures.peak_rss.max(rss);
            call(contender, Verb::Del, &stage)?;
        }
    }
    for (contender, figures) in contenders.iter().zip(&mut figures) {
        eprintln!("tracing {}", contender.name);
        figures.requests = trace::requests(&contender.command(Verb::Add, &stage), &contender.conf)
            .with_context(|| format!("trace ADD of {}", contender.name))?;
        stage.must_be_away(contender)?;
        call(contender, Verb::Del, &stage)?;
    }
    for round in 0..options.rounds {
        if round % 10 == 0 {
            eprintln!("round {} of {}", round + 1, options.rounds);
        }
        for turn in 0..contenders.len() {
            // Another one begins each time: nobody always comes after the same neighbour.
            let at = (round + turn) % contenders.len();
            figures[at].add.push(call(&contenders[at], Verb::Add, &stage)?);
            figures[at].del.push(call(&contenders[at], Verb::Del, &stage)?);
        }
    }
    if figures.iter().all(Figures::in_ticks) {
        bail!("this kernel counts CPU time in timer ticks, which is too coarse for single calls");
    }

    let table = report::table(&contenders, &figures, &stage)?;
    print!("{table}");
    if let Some(path) = &options.output {
        fs::write(path, &table).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

/// The contenders: the plugin first, the floor second.
fn contenders(options: &Options) -> Result<Vec<Contender>> {
    let mut all = vec![
        Contender::sriov("sriov", &options.sriov),
        Contender::floor(&options.floor),
        Contender::host_device(&options.host_device),
    ];
    for other in &options.other {
        let (name, path) =
            other.split_once('=').with_context(|| format!("--other {other}: not NAME=PATH"))?;
        all.push(Contender::sriov(name, path.as_ref()));
    }
    Ok(all)
}

/// One call, which must have done what it is for.
fn call(contender: &Contender, verb: Verb, stage: &Stage) -> Result<Cost> {
    let cost = measure::call(contender.command(verb, stage), &contender.conf)
        .with_context(|| format!("{verb:?} of {}", contender.name))?;
    match verb {
        Verb::Add => stage.must_be_away(contender)?,
        Verb::Del => stage.must_be_home(contender)?,
    }
    sleep(SETTLE);
    Ok(cost)
}
