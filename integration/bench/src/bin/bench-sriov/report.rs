//! The tables: targets first, then all figures.

use std::fmt::Write;

use anyhow::Result;
use bench::call::Verb;
use bench::measure::Cost;
use bench::table::{self, Line, megabytes, size_of};

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
    let of_host_device = |of| plugin.calls.ratio(&host_device.calls, Verb::Add, of);
    let (cpu, wall) = (of_host_device(Cost::cpu), of_host_device(Cost::wall));
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
        plugin.calls.of(Verb::Add).len(),
        stage.vfs,
        stage.pf
    )?;
    Ok(text)
}

fn targets(plugin: &Figures, floor: &Figures, size: u64) -> [Line; 7] {
    let sent = &plugin.requests;
    let one_move = sent.moves == 1 && sent.moves_with_name == 1 && sent.renames == 1;
    let moves = sent.moves + sent.renames - sent.moves_with_name;
    let of_floor = |figure, of, limit| {
        let ratio = plugin.calls.ratio(&floor.calls, Verb::Add, of);
        Line::at_most(figure, ratio, limit, 2, "x floor")
    };
    [
        of_floor("ADD, CPU", Cost::cpu, CPU_LIMIT),
        of_floor("ADD, wall", Cost::wall, WALL_LIMIT),
        Line::at_most_bytes("peak RSS", plugin.peak_rss, RSS_LIMIT),
        Line::at_most_bytes("size of the binary", size, SIZE_LIMIT),
        Line { met: one_move, ..Line::exactly("requests that move or rename the VF", moves, 1) },
        Line::exactly("requests with PF-side settings", sent.vf_settings, 1),
        Line::exactly("temporary namespaces", sent.namespaces, 0),
    ]
}

fn row(text: &mut String, contender: &Contender, figures: &Figures, size: u64) -> Result<()> {
    let cell = |verb, of| figures.calls.spread(verb, of).cell(1);
    let sent = &figures.requests;
    let vlan = if contender.vlan { "" } else { ", no VLAN" };
    writeln!(
        text,
        "| {}{vlan} | {} | {} | {} | {} | {} | {} | {} ({}, {}) | {} |",
        contender.name,
        cell(Verb::Add, Cost::cpu),
        cell(Verb::Add, Cost::wall),
        cell(Verb::Del, Cost::cpu),
        cell(Verb::Del, Cost::wall),
        megabytes(figures.peak_rss),
        megabytes(size),
        sent.all,
        sent.moves,
        sent.vf_settings,
        sent.system_calls,
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn figures(cpu: u64, wall: u64) -> Figures {
        let cost = Cost { cpu: Duration::from_micros(cpu), wall: Duration::from_micros(wall) };
        let mut figures = Figures::default();
        figures.calls.push(Verb::Add, cost);
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
