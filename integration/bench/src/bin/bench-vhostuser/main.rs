//! `bench-vhostuser`: what a port of OVS-DPDK costs that the plugin makes, next to other ways of making
//! it. `vhostuser.sh` builds all that is needed and starts it, in namespaces of its own.
//!
//! One port comes and goes, by each contender in turn, round after round, so that whatever slows the
//! machine down slows all of them.

#![expect(clippy::disallowed_methods, reason = "starts the contenders, which are executables")]
#![expect(clippy::print_stderr, reason = "a tool for a terminal")]

mod bed;
mod burst;
mod contender;
mod report;
mod trace;

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use bench::call::Verb;
use bench::cli::others;
use bench::measure;
use bench::rounds::turns;
use bench::table::ms;
use clap::Args;

use bed::Bed;
use contender::{Contender, Figures};
use report::Report;

/// ADDs before those that count, in which peak RSS is taken.
const WARM_UP: usize = 5;

#[derive(Args)]
struct Options {
    /// The plugin
    #[arg(long)]
    vhostuser: PathBuf,
    /// The bare program
    #[arg(long)]
    floor: PathBuf,
    /// The tool of Open vSwitch
    #[arg(long, default_value = "/usr/bin/ovs-vsctl")]
    vsctl: PathBuf,
    /// NAME=PATH: one more plugin, called with the configuration of `vhostuser` (repeatable)
    #[arg(long)]
    other: Vec<String>,
    /// An empty directory for what the plugin keeps, on the disk that counts
    #[arg(long)]
    state: PathBuf,
    /// Rounds that count
    #[arg(long, default_value_t = 50)]
    rounds: usize,
    /// Attachments that are made at once
    #[arg(long, default_value_t = 100)]
    attachments: usize,
}

fn main() -> Result<()> {
    bench::cli::main(run)
}

fn run(options: &Options) -> Result<String> {
    ensure!(options.rounds > 0, "no rounds");
    let bed = Bed::make(&options.state)?;
    let contenders = contenders(options)?;
    let warm_up = contenders.iter().map(|contender| warm_up(contender, &bed));
    let mut figures = warm_up.collect::<Result<Vec<_>>>()?;
    let record = figures[0].record;
    let mut writes = Vec::new();
    for round in 0..options.rounds {
        if round % 10 == 0 {
            eprintln!("round {} of {}", round + 1, options.rounds);
        }
        for at in turns(round, contenders.len()) {
            one_round(&contenders[at], &mut figures[at], &bed)?;
        }
        writes.push(ms(bed::write_beside_records(record)?));
    }
    if figures.iter().all(|one| one.calls.in_ticks()) {
        bail!("this kernel counts CPU time in timer ticks, which is too coarse for single calls");
    }
    let attachments = options.attachments;
    let bursts = burst::measure(&contenders, &bed, attachments)?;
    Report { contenders, figures, writes, bursts, attachments }.text()
}

/// The contenders: the plugin, the floor, `ovs-vsctl`, the others.
fn contenders(options: &Options) -> Result<Vec<Contender>> {
    let mut all = vec![
        Contender::vhostuser(&options.vhostuser),
        Contender::floor(&options.floor),
        Contender::vsctl(&options.vsctl),
    ];
    let others = others(&options.other)?.into_iter();
    all.extend(others.map(|(name, path)| Contender::other(name, path)));
    Ok(all)
}

/// Some calls, for all that is not the time.
fn warm_up(contender: &Contender, bed: &Bed) -> Result<Figures> {
    let mut figures = Figures::default();
    for round in 0..=WARM_UP {
        let what = || format!("ADD of {}", contender.name);
        let add = contender.command(Verb::Add, 0, bed);
        if round == WARM_UP {
            eprintln!("tracing {}", contender.name);
            figures.sent = trace::sent(&add, contender.conf()).with_context(what)?;
        } else {
            let rss = measure::peak_rss(&add, contender.conf()).with_context(what)?;
            figures.peak_rss = figures.peak_rss.max(rss);
        }
        bed.must_have(1).with_context(what)?;
        figures.record = bed::record_size()?;
        call(contender, Verb::Del, bed)?;
    }
    Ok(figures)
}

fn one_round(contender: &Contender, figures: &mut Figures, bed: &Bed) -> Result<()> {
    let (cost, answer) = call(contender, Verb::Add, bed)?;
    figures.calls.push(Verb::Add, cost);
    figures.round_trips.extend(contender.round_trip(&answer));
    let (cost, _) = call(contender, Verb::Del, bed)?;
    figures.calls.push(Verb::Del, cost);
    Ok(())
}

/// One call, which must have done what it is for.
fn call(contender: &Contender, verb: Verb, bed: &Bed) -> Result<(measure::Cost, String)> {
    let what = || format!("{verb} of {}", contender.name);
    let called = measure::call(contender.command(verb, 0, bed), contender.conf());
    let called = called.with_context(what)?;
    bed.must_have(usize::from(verb == Verb::Add)).with_context(what)?;
    Ok(called)
}
