//! `bench-ovn`: what a port on an overlay costs that the plugin makes, next to the same steps by the tools of
//! OVN, Open vSwitch and the kernel. `ovn.sh` builds all that is needed and starts it, in namespaces of its own.
//!
//! One port comes and goes, by each contender in turn, round after round, so that whatever slows the machine
//! down slows both of them.

#![expect(clippy::disallowed_methods, reason = "starts the contenders, and enters their host")]
#![expect(clippy::print_stderr, reason = "a tool for a terminal")]

mod bed;
mod contender;
mod report;
mod witness;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use bench::call::Verb;
use bench::measure;
use bench::rounds::turns;
use clap::Args;

use bed::Bed;
use contender::{Contender, Figures};

/// Rounds before those that count.
const WARM_UP: usize = 3;

#[derive(Args)]
struct Options {
    /// The plugin
    #[arg(long)]
    ovn: PathBuf,
    /// An empty directory for what the plugin keeps, on the disk that counts
    #[arg(long)]
    state: PathBuf,
    /// Rounds that count
    #[arg(long, default_value_t = 50)]
    rounds: usize,
}

fn main() -> Result<()> {
    bench::cli::main(run)
}

fn run(options: &Options) -> Result<String> {
    ensure!(options.rounds > 0, "no rounds");
    let bed = Bed::make(&options.state)?;
    let contenders = [Contender::plugin(&options.ovn, &bed), Contender::tools(&bed)];
    for _ in 0..WARM_UP {
        for contender in &contenders {
            one_round(contender, &mut Figures::default(), &bed)?;
        }
    }
    let mut figures = [Figures::default(), Figures::default()];
    for round in 0..options.rounds {
        if round % 10 == 0 {
            eprintln!("round {} of {}", round + 1, options.rounds);
        }
        for at in turns(round, contenders.len()) {
            one_round(&contenders[at], &mut figures[at], &bed)?;
        }
    }
    report::text(&figures)
}

/// ADD and DEL, which must have done what they are for. What is left to do after a call is done before the
/// next one.
fn one_round(contender: &Contender, figures: &mut Figures, bed: &Bed) -> Result<()> {
    for verb in [Verb::Add, Verb::Del] {
        let what = || format!("{verb} of {}", contender.name);
        let start = Instant::now();
        let called = measure::call(contender.command(verb, bed), &contender.conf);
        let (cost, _) = called.with_context(what)?;
        if verb == Verb::Add {
            let plugged = bed.witness.plugged().with_context(what)?;
            figures.plug(cost.wall, plugged.duration_since(start));
        }
        figures.calls.push(verb, cost);
        bed.must_have(usize::from(verb == Verb::Add)).with_context(what)?;
    }
    Ok(())
}
