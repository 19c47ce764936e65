//! `bench-node-agent`: what the agent costs a node while nothing happens, and how soon kubelet knows of what
//! does. `node-agent.sh` builds all that is needed and starts it: on a generated machine, and in the test VM.

#![expect(clippy::print_stderr, reason = "a tool for a terminal")]

mod events;
mod idle;
mod tree;

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Result, bail};
use bench::table::{Line, Spread, ms, targets};
use clap::{Args, ValueEnum};

/// Memory of the idle agent, in bytes.
const RSS: u64 = 15_000_000;
/// Share of a processor of the idle agent.
const CPU_PERCENT: f64 = 0.2;

#[derive(Args)]
struct Options {
    /// What is measured
    #[arg(long)]
    what: What,
    /// How long the idle agent is watched, in seconds
    #[arg(long, default_value_t = 120)]
    seconds: u64,
    /// How often a driver is taken away
    #[arg(long, default_value_t = 30)]
    rounds: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// On a generated machine; mounts over /sys and /var, so in a mount namespace of its own
    Idle,
    /// In the test VM
    Events,
}

fn main() -> Result<()> {
    bench::cli::main(run)
}

fn run(options: &Options) -> Result<String> {
    let mut text = String::new();
    match options.what {
        What::Idle => {
            let idle = idle::watch(Duration::from_secs(options.seconds))?;
            let lines = [
                Line::at_most_bytes("RSS", idle.rss, RSS),
                Line::at_most("CPU of one processor", idle.cpu_percent, CPU_PERCENT, 3, "%"),
            ];
            targets(&mut text, "node-agent", &lines, None)?;
            writeln!(
                text,
                "\nIdle for {} s with {} VFs of {} PFs (a generated sysfs) and {} records; without a switch.",
                options.seconds,
                tree::PFS * tree::VFS,
                tree::PFS,
                tree::RECORDS
            )?;
        }
        What::Events => {
            if options.rounds == 0 {
                bail!("no rounds");
            }
            let times = events::measure(options.rounds)?;
            let cell = |times: &[Duration]| Spread::of(times.iter().map(|time| ms(*time))).cell(1);
            writeln!(text, "| from the kernel's message to kubelet's list, ms | |\n|---|---|")?;
            writeln!(text, "| a driver is taken away | {} |", cell(&times.unbound))?;
            writeln!(text, "| a driver is back | {} |", cell(&times.bound))?;
            writeln!(text, "\nMedian (p10-p90) of {} rounds in the test VM.", options.rounds)?;
        }
    }
    eprintln!("{text}");
    Ok(text)
}
