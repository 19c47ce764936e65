//! `bench-sriov`: what an attachment of a VF costs, next to other ways of doing the same. Runs inside
//! the test VM; `sriov.sh` brings it there.
//!
//! One VF goes into a namespace and comes back, by each contender in turn, round after round, so that
//! whatever slows the machine down slows all of them.

#![expect(clippy::disallowed_methods, reason = "starts the contenders, which are executables")]
#![expect(clippy::print_stderr, reason = "a tool for a terminal")]

mod contender;
mod report;
mod stage;
mod trace;

use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bench::call::Verb;
use bench::cli::others;
use bench::measure::{self, Cost};
use bench::rounds::turns;
use clap::Args;

use contender::{Contender, Figures};
use stage::Stage;

/// Between two calls, for what the kernel does after an answer (link state, work queues).
const SETTLE: Duration = Duration::from_millis(20);

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
}

fn main() -> Result<()> {
    bench::cli::main(run)
}

fn run(options: &Options) -> Result<String> {
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
        for at in turns(round, contenders.len()) {
            for verb in [Verb::Add, Verb::Del] {
                figures[at].calls.push(verb, call(&contenders[at], verb, &stage)?);
            }
        }
    }
    if figures.iter().all(|one| one.calls.in_ticks()) {
        bail!("this kernel counts CPU time in timer ticks, which is too coarse for single calls");
    }
    report::table(&contenders, &figures, &stage)
}

/// The contenders: the plugin first, the floor second.
fn contenders(options: &Options) -> Result<Vec<Contender>> {
    let mut all = vec![
        Contender::sriov("sriov", &options.sriov),
        Contender::floor(&options.floor),
        Contender::host_device(&options.host_device),
    ];
    let others = others(&options.other)?.into_iter();
    all.extend(others.map(|(name, path)| Contender::sriov(name, path)));
    Ok(all)
}

/// One call, which must have done what it is for.
fn call(contender: &Contender, verb: Verb, stage: &Stage) -> Result<Cost> {
    let (cost, _result) = measure::call(contender.command(verb, stage), &contender.conf)
        .with_context(|| format!("{verb} of {}", contender.name))?;
    match verb {
        Verb::Add => stage.must_be_away(contender)?,
        Verb::Del => stage.must_be_home(contender)?,
    }
    sleep(SETTLE);
    Ok(cost)
}
