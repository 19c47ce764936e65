//! The tables.

use std::fmt::Write as _;

use anyhow::Result;
use bench::table::{Line, Spread, megabytes, percentile, targets};

use crate::NODES;
use crate::cluster::{self, Rates};
use crate::replay::{Memory, Times};

/// Bytes in memory with all nodes.
const RSS: u64 = 32_000_000;
/// Pods that kube-scheduler still places in the time of 100 without the extender.
const PODS_PERCENT: f64 = 80.0;

pub(crate) fn text(times: &[Times], memory: &Memory, rates: &Rates) -> Result<String> {
    let mut text = String::new();
    let mut lines = Vec::new();
    for of in times {
        for (percent, limit) in [(50, 1.5), (99, 2.0)] {
            let figure = format!("{} names, p{percent}", of.names);
            lines.push(Line::at_most(&figure, of.ratio(percent), limit, 2, "x floor"));
        }
    }
    lines.push(Line::at_most_bytes(&format!("RSS with {NODES} nodes"), memory.rss, RSS));
    let [with, without] = [&rates.with, &rates.without].map(|all| Spread::of(all.iter().copied()));
    let share = with.median / without.median * 100.0;
    lines.push(Line::at_least(
        "pods/s with the extender",
        share,
        PODS_PERCENT,
        0,
        "% of those without",
    ));
    targets(&mut text, "latency-scheduler", &lines, None)?;
    writeln!(text, "\nFor information: peak RSS {} MB.\n", megabytes(memory.peak))?;
    writeln!(
        text,
        "| names | question, KB | answer, KB | latency-scheduler, µs | floor, µs | as a function, µs |\n|---|---|---|---|---|---|"
    )?;
    for of in times {
        let cell =
            |times: &[f64]| format!("{:.0} / {:.0}", percentile(times, 50), percentile(times, 99));
        writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            of.names,
            of.bytes.div_ceil(1000),
            of.answer.div_ceil(1000),
            cell(&of.extender),
            cell(&of.floor),
            cell(&of.in_process)
        )?;
    }
    writeln!(text, "\np50 / p99 of {} interleaved rounds.", times[0].extender.len())?;
    writeln!(
        text,
        "\n| pods/s of kube-scheduler | |\n|---|---|\n| with the extender | {} |\n| without | {} |",
        with.cell(0),
        without.cell(0)
    )?;
    writeln!(
        text,
        "\nMedian (p10-p90) of {} interleaved bursts of {} pods, {} nodes.",
        rates.with.len(),
        cluster::PODS,
        cluster::NODES
    )?;
    Ok(text)
}
