//! The tables: targets first, then all figures.

use std::fmt::Write;
use std::time::Duration;

use anyhow::Result;
use bench::measure::Cost;
use bench::table::{self, Line, Spread, megabytes, ms, size_of};

use crate::contender::{Contender, Figures};
use crate::stage::Stage;

/// Of the plugin, as multiples of the floor's.
const CPU_LIMIT: f64 = 2.0;
const WALL_LIMIT: f64 = 1.3;
/// In bytes; a megabyte is 10^6 of them.
const RSS_LIMIT: u64 = 5_000_000;
const SIZE_LIMIT: u64 = 4_000_000;

/// The report on `contenders`, of which the plugin is the first and the floor the second.
pub(crate) fn table(
    contenders: &[Contender],
    figures: &[Figures],
    stage: &Stage,
) -> Result<String> {
    let sizes: Vec<u64> =
        contenders.iter().map(|one| size_of(&one.program)).collect::<Result<_>>()?;
    let [plugin, floor, host_device, ..] = figures else { anyhow::bail!("too few contenders") };
    let mut text = String::new();
    table::targets(&mut text, "sriov", &targets(plugin, floor, sizes[0]), None)?;
    let (cpu, wall) = (ratio(plugin, host_device, cpu_of), ratio(plugin, host_device, wall_of));
    writeln!(
        text,
        "\nFor information: ADD of `sriov` takes {cpu:.2} times the CPU and {wall:.2} times the wall \
         time of `host-device`, which sets no VLAN.\n"
    )?;
    writeln!(
        text,
        "| | ADD CPU, ms | ADD wall, ms | DEL CPU, ms | DEL wall, ms | peak RSS, MB | size, MB | \
         requests (moves, PF) | system calls |\n|---|---|---|---|---|---|---|---|---|"
    )?;
    for ((contender, figures), size) in contenders.iter().zip(figures).zip(&sizes) {
        row(&mut text, contender, figures, *size)?;
    }
    writeln!(
        text,
        "\nMedian (p10-p90) of {} interleaved rounds; the first of {} VFs of {}.",
        plugin.add.len(),
        stage.vfs,
        stage.pf
    )?;
    Ok(text)
}

fn targets(plugin: &Figures, floor: &Figures, size: u64) -> [Line; 7] {
    let sent = &plugin.requests;
    let one_move = sent.moves == 1 && sent.moves_with_name == 1 && sent.renames == 1;
    let moves = sent.moves + sent.renames - sent.moves_with_name;
    let of_floor =
        |figure, of, limit| Line::at_most(figure, ratio(plugin, floor, of), limit, 2, "x floor");
    [
        of_floor("ADD, CPU", cpu_of, CPU_LIMIT),
        of_floor("ADD, wall", wall_of, WALL_LIMIT),
        Line::at_most_bytes("peak RSS", plugin.peak_rss, RSS_LIMIT),
        Line::at_most_bytes("size of the binary", size, SIZE_LIMIT),
        Line { met: one_move, ..Line::exactly("requests that move or rename the VF", moves, 1) },
        Line::exactly("requests with PF-side settings", sent.vf_settings, 1),
        Line::exactly("temporary namespaces", sent.namespaces, 0),
    ]
}

fn row(text: &mut String, contender: &Contender, figures: &Figures, size: u64) -> Result<()> {
    let cell = |costs: &[Cost], of| spread(costs, of).cell(1);
    let sent = &figures.requests;
    let vlan = if contender.vlan { "" } else { ", no VLAN" };
    writeln!(
        text,
        "| {}{vlan} | {} | {} | {} | {} | {} | {} | {} ({}, {}) | {} |",
        contender.name,
        cell(&figures.add, cpu_of),
        cell(&figures.add, wall_of),
        cell(&figures.del, cpu_of),
        cell(&figures.del, wall_of),
        megabytes(figures.peak_rss),
        megabytes(size),
        sent.all,
        sent.moves,
        sent.vf_settings,
        sent.system_calls,
    )?;
    Ok(())
}

fn cpu_of(cost: &Cost) -> Duration {
    cost.cpu
}

fn wall_of(cost: &Cost) -> Duration {
    cost.wall
}

/// In milliseconds.
fn spread(costs: &[Cost], of: fn(&Cost) -> Duration) -> Spread {
    Spread::of(costs.iter().map(|cost| ms(of(cost))))
}

/// Median of `one`'s ADD over that of `other`'s.
fn ratio(one: &Figures, other: &Figures, of: fn(&Cost) -> Duration) -> f64 {
    spread(&one.add, of).median / spread(&other.add, of).median
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(cpu: u64, wall: u64) -> Figures {
        let cost = Cost { cpu: Duration::from_micros(cpu), wall: Duration::from_micros(wall) };
        let mut figures = Figures { add: vec![cost], del: vec![cost], ..Figures::default() };
        figures.requests.moves = 1;
        figures.requests.moves_with_name = 1;
        figures.requests.renames = 1;
        figures.requests.vf_settings = 1;
        figures
    }

    fn verdicts(plugin: &Figures, size: u64) -> [bool; 7] {
        targets(plugin, &figures(1000, 1000), size).map(|line| line.met)
    }

    #[test]
    fn at_the_limit_is_met() {
        let mut plugin = figures(2000, 1300);
        plugin.peak_rss = RSS_LIMIT;
        assert_eq!(verdicts(&plugin, SIZE_LIMIT), [true; 7]);
    }

    #[test]
    fn beyond_it_is_missed() {
        let mut plugin = figures(2001, 1301);
        plugin.peak_rss = RSS_LIMIT + 1;
        plugin.requests.renames = 2;
        plugin.requests.vf_settings = 0;
        plugin.requests.namespaces = 1;
        assert_eq!(verdicts(&plugin, SIZE_LIMIT + 1), [false; 7]);
    }
}
