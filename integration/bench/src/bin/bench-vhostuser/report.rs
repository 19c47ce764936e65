//! The tables: targets first, then all figures.

use std::fmt::Write;

use anyhow::Result;
use bench::burst::Burst;
use bench::call::Verb;
use bench::measure::Cost;
use bench::table::{self, Line, Spread, megabytes, size_of};

use crate::contender::{Contender, Figures};

/// Of the plugin, as multiples of those of `ovs-vsctl` and of the bare program.
const VSCTL_LIMIT: f64 = 0.25;
const FLOOR_LIMIT: f64 = 2.0;
/// In bytes; a megabyte is 10^6 of them.
const RSS_LIMIT: u64 = 5_000_000;
const SIZE_LIMIT: u64 = 4_000_000;

/// All that was measured. Figures are by contender: the plugin, the floor, `ovs-vsctl`, others.
pub(crate) struct Report {
    pub(crate) contenders: Vec<Contender>,
    pub(crate) figures: Vec<Figures>,
    /// Durable writes of a file as large as the plugin's record, in milliseconds.
    pub(crate) writes: Vec<f64>,
    pub(crate) bursts: Vec<Burst>,
    /// How many there are in a burst.
    pub(crate) attachments: usize,
}

impl Report {
    /// All tables.
    pub(crate) fn text(&self) -> Result<String> {
        let mut text = String::new();
        let size = size_of(&self.contenders[0].program)?;
        let targets = targets(&self.figures, size, self.bursts[0].wrong);
        table::targets(&mut text, "vhostuser", &targets, None)?;
        self.floor(&mut text)?;
        self.calls(&mut text)?;
        self.bursts(&mut text)?;
        Ok(text)
    }

    /// What else there is to say of the targets: how near the floor is to them, and what it says of itself.
    fn floor(&self, text: &mut String) -> Result<()> {
        let [plugin, floor, vsctl] = [0, 1, 2].map(|index| &self.figures[index].calls);
        let trip = Spread::of(self.figures[1].round_trips.iter().copied());
        let add = plugin.spread(Verb::Add, Cost::wall).median;
        let ratio = add / trip.median;
        let verdict = if ratio <= FLOOR_LIMIT { "within" } else { "beyond" };
        writeln!(
            text,
            "\nFor information: ADD of `vhostuser` takes {:.2} ms more than that of `ovsdb-floor`, which itself \
             takes {:.3} times the wall time of `ovs-vsctl`. Without the start of its process, from connecting \
             to the port's number, `ovsdb-floor` takes {} ms; the whole ADD of `vhostuser` is {ratio:.2} times \
             that, {verdict} {FLOOR_LIMIT} x.",
            add - floor.spread(Verb::Add, Cost::wall).median,
            floor.ratio(vsctl, Verb::Add, Cost::wall),
            trip.cell(2),
        )?;
        Ok(())
    }

    /// The rounds.
    fn calls(&self, text: &mut String) -> Result<()> {
        writeln!(
            text,
            "\n| | ADD CPU, ms | ADD wall, ms | DEL CPU, ms | DEL wall, ms | peak RSS, MB | size, MB | \
             requests | system calls |\n|---|---|---|---|---|---|---|---|---|"
        )?;
        for (Contender { name, program, .. }, figures) in self.contenders.iter().zip(&self.figures)
        {
            let cell = |verb, of| figures.calls.spread(verb, of).cell(2);
            writeln!(
                text,
                "| {name} | {} | {} | {} | {} | {} | {} | {} | {} |",
                cell(Verb::Add, Cost::cpu),
                cell(Verb::Add, Cost::wall),
                cell(Verb::Del, Cost::cpu),
                cell(Verb::Del, Cost::wall),
                megabytes(figures.peak_rss),
                megabytes(size_of(program)?),
                figures.sent.requests,
                figures.sent.system_calls,
            )?;
        }
        let write = Spread::of(self.writes.iter().copied());
        writeln!(
            text,
            "\nMedian (p10-p90) of {} interleaved rounds. One durable write of {} bytes, as large as the \
             record: {} ms.",
            self.writes.len(),
            self.figures[0].record,
            write.cell(2)
        )?;
        Ok(())
    }

    fn bursts(&self, text: &mut String) -> Result<()> {
        writeln!(
            text,
            "\n| {} attachments, all at once | all ADD, ms | all DEL, ms | lost or left |\n|---|---|---|---|",
            self.attachments
        )?;
        for (contender, burst) in self.contenders.iter().zip(&self.bursts) {
            writeln!(text, "| {} | {} |", contender.name, burst.cells())?;
        }
        Ok(())
    }
}

fn targets(figures: &[Figures], size: u64, wrong: usize) -> Vec<Line> {
    let [plugin, floor, vsctl] = [&figures[0], &figures[1], &figures[2]];
    let of_vsctl = |figure, verb, of| {
        let ratio = plugin.calls.ratio(&vsctl.calls, verb, of);
        Line::at_most(figure, ratio, VSCTL_LIMIT, 3, "x ovs-vsctl")
    };
    let of_floor = plugin.calls.ratio(&floor.calls, Verb::Add, Cost::wall);
    vec![
        of_vsctl("ADD, CPU", Verb::Add, Cost::cpu),
        of_vsctl("ADD, wall", Verb::Add, Cost::wall),
        of_vsctl("DEL, CPU", Verb::Del, Cost::cpu),
        of_vsctl("DEL, wall", Verb::Del, Cost::wall),
        Line::at_most(
            "ADD, wall, both from fork to exit",
            of_floor,
            FLOOR_LIMIT,
            2,
            "x ovsdb-floor",
        ),
        Line::at_most_bytes("peak RSS", plugin.peak_rss, RSS_LIMIT),
        Line::at_most_bytes("size of the binary", size, SIZE_LIMIT),
        Line::exactly("lost or left when many are made and taken back at once", wrong, 0),
    ]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn figures(micros: u64) -> Figures {
        let mut figures = Figures { peak_rss: RSS_LIMIT, ..Figures::default() };
        for verb in [Verb::Add, Verb::Del] {
            let time = Duration::from_micros(micros);
            figures.calls.push(verb, Cost { cpu: time, wall: time });
        }
        figures
    }

    fn verdicts(plugin: Figures, size: u64, wrong: usize) -> Vec<bool> {
        let figures = [plugin, figures(1000), figures(8000)];
        targets(&figures, size, wrong).iter().map(|line| line.met).collect()
    }

    #[test]
    fn at_the_limit_is_met_and_beyond_is_missed() {
        assert_eq!(verdicts(figures(2000), SIZE_LIMIT, 0), [true; 8]);
        let beyond = Figures { peak_rss: RSS_LIMIT + 1, ..figures(2001) };
        assert_eq!(verdicts(beyond, SIZE_LIMIT + 1, 1), [false; 8]);
    }
}
