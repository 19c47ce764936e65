//! The tables: targets first, then all figures.

use std::fmt::Write;
use std::time::Duration;

use anyhow::Result;
use bench::call::Verb;
use bench::measure::Cost;
use bench::table::{self, Line, Spread, ms};

use crate::contender::Figures;

/// Of the plugin, as a multiple of the tools'.
const LIMIT: f64 = 0.333;

/// All tables, of the plugin and of the tools.
pub(crate) fn text(figures: &[Figures; 2]) -> Result<String> {
    let mut text = String::new();
    let [plugin, tools] = figures;
    table::targets(&mut text, "ovn", &targets(plugin, tools), None)?;
    let wait = spread(&tools.from_then_on).median;
    writeln!(
        text,
        "\nFor information: from the plugged port on the tools only wait, {wait:.2} ms, which is {:.3} times their ADD.",
        wait / tools.calls.spread(Verb::Add, Cost::wall).median
    )?;
    writeln!(
        text,
        "\n| | ADD wall, ms | until the port is plugged | from then on | DEL wall, ms | ADD CPU, ms | DEL CPU, ms \
         |\n|---|---|---|---|---|---|---|"
    )?;
    for (name, figures) in ["ovn", "the tools"].iter().zip(figures) {
        let cell = |verb, of| figures.calls.spread(verb, of).cell(2);
        writeln!(
            text,
            "| {name} | {} | {} | {} | {} | {} | {} |",
            cell(Verb::Add, Cost::wall),
            spread(&figures.until_plugged).cell(2),
            spread(&figures.from_then_on).cell(2),
            cell(Verb::Del, Cost::wall),
            cell(Verb::Add, Cost::cpu),
            cell(Verb::Del, Cost::cpu),
        )?;
    }
    let rounds = plugin.until_plugged.len();
    writeln!(text, "\nMedian (p10-p90) of {rounds} interleaved rounds.")?;
    Ok(text)
}

fn targets(plugin: &Figures, tools: &Figures) -> Vec<Line> {
    let line = |figure, ratio| Line::at_most(figure, ratio, LIMIT, 3, "x the tools");
    let wall = |verb| plugin.calls.ratio(&tools.calls, verb, Cost::wall);
    let plugged = spread(&plugin.until_plugged).median / spread(&tools.until_plugged).median;
    vec![
        line("ADD, wall", wall(Verb::Add)),
        line("ADD, wall, until the port is plugged", plugged),
        line("DEL, wall", wall(Verb::Del)),
    ]
}

fn spread(times: &[Duration]) -> Spread {
    Spread::of(times.iter().copied().map(ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(micros: u64) -> Figures {
        let mut figures = Figures::default();
        let wall = Duration::from_micros(micros);
        for verb in [Verb::Add, Verb::Del] {
            figures.calls.push(verb, Cost { cpu: wall, wall });
        }
        figures.plug(wall, wall / 2);
        figures
    }

    #[test]
    fn at_the_limit_is_met_and_beyond_is_missed() {
        let verdicts = |micros| {
            targets(&figures(micros), &figures(100_000))
                .iter()
                .map(|line| line.met)
                .collect::<Vec<_>>()
        };
        assert_eq!(verdicts(33_300), [true; 3]);
        assert_eq!(verdicts(33_400), [false; 3]);
    }
}
