//! The tables: targets first, then all figures.

use std::fmt::Write;
use std::fs;

use anyhow::{Context, Result};

use crate::contender::Contender;
use crate::measure::{Cost, Figures, Spread};
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
    let sizes = contenders.iter().map(size).collect::<Result<Vec<_>>>()?;
    let [plugin, floor, host_device, ..] = figures else { anyhow::bail!("too few contenders") };
    let mut text = String::new();
    targets(&mut text, plugin, floor, sizes[0])?;
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

fn targets(text: &mut String, plugin: &Figures, floor: &Figures, size: u64) -> Result<()> {
    let (cpu, wall) = (ratio(plugin, floor, cpu_of), ratio(plugin, floor, wall_of));
    let sent = &plugin.requests;
    let one_move = sent.moves == 1 && sent.moves_with_name == 1 && sent.renames == 1;
    let lines = [
        ("ADD, CPU", format!("{cpu:.2} x floor"), format!("<= {CPU_LIMIT} x"), cpu <= CPU_LIMIT),
        (
            "ADD, wall",
            format!("{wall:.2} x floor"),
            format!("<= {WALL_LIMIT} x"),
            wall <= WALL_LIMIT,
        ),
        (
            "peak RSS",
            format!("{} MB", megabytes(plugin.peak_rss)),
            "<= 5 MB".to_owned(),
            plugin.peak_rss <= RSS_LIMIT,
        ),
        (
            "size of the binary",
            format!("{} MB", megabytes(size)),
            "<= 4 MB".to_owned(),
            size <= SIZE_LIMIT,
        ),
        (
            "requests that move or rename the VF",
            (sent.moves + sent.renames - sent.moves_with_name).to_string(),
            "1".to_owned(),
            one_move,
        ),
        (
            "requests with PF-side settings",
            sent.vf_settings.to_string(),
            "1".to_owned(),
            sent.vf_settings == 1,
        ),
        ("temporary namespaces", sent.namespaces.to_string(), "0".to_owned(), sent.namespaces == 0),
    ];
    writeln!(text, "| `sriov` | measured | target | |\n|---|---|---|---|")?;
    for (figure, measured, target, met) in lines {
        let verdict = if met { "met" } else { "**missed**" };
        writeln!(text, "| {figure} | {measured} | {target} | {verdict} |")?;
    }
    Ok(())
}

fn row(text: &mut String, contender: &Contender, figures: &Figures, size: u64) -> Result<()> {
    let cell = |costs: &[Cost], of: fn(&Cost) -> std::time::Duration| {
        let spread = Spread::of(costs.iter().map(of));
        let [p10, median, p90] =
            [spread.p10, spread.median, spread.p90].map(|d| d.as_secs_f64() * 1e3);
        format!("{median:.1} ({p10:.1}-{p90:.1})")
    };
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

fn cpu_of(cost: &Cost) -> std::time::Duration {
    cost.cpu
}

fn wall_of(cost: &Cost) -> std::time::Duration {
    cost.wall
}

/// Median of `one`'s ADD over that of `other`'s.
fn ratio(one: &Figures, other: &Figures, of: fn(&Cost) -> std::time::Duration) -> f64 {
    let median = |f: &Figures| Spread::of(f.add.iter().map(of)).median;
    median(one).div_duration_f64(median(other))
}

fn size(contender: &Contender) -> Result<u64> {
    let path = &contender.program;
    Ok(fs::metadata(path).with_context(|| format!("look at {}", path.display()))?.len())
}

/// With two decimals.
fn megabytes(bytes: u64) -> String {
    let hundredths = bytes.div_ceil(10_000);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn figures(cpu: u64, wall: u64) -> Figures {
        let cost = Cost { cpu: Duration::from_micros(cpu), wall: Duration::from_micros(wall) };
        let mut figures = Figures { add: vec![cost], del: vec![cost], ..Figures::default() };
        figures.requests.moves = 1;
        figures.requests.moves_with_name = 1;
        figures.requests.renames = 1;
        figures.requests.vf_settings = 1;
        figures
    }

    fn verdicts(plugin: &Figures, size: u64) -> Vec<bool> {
        let mut text = String::new();
        targets(&mut text, plugin, &figures(1000, 1000), size).unwrap();
        text.lines().skip(2).map(|line| line.ends_with("| met |")).collect()
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

    #[test]
    fn sizes_are_rounded_up() {
        assert_eq!(megabytes(4_000_001), "4.01");
        assert_eq!(megabytes(990_000), "0.99");
    }
}
