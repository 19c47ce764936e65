//! The tables: targets first, then all figures.

use std::fmt::Write;

use anyhow::{Context, Result};
use bench::table::{self, Line, Spread, megabytes, size_of};

use crate::bed::Bed;
use crate::burst::{NETWORKS, OfKind};
use crate::contender::Contender;
use crate::definitions::Api;
use crate::rounds::{self, Series, Warm};
use crate::scenario::{SIZES, Scenario};

/// What the meta-plugin may take for itself, in milliseconds.
const ONE_LIMIT: f64 = 2.0;
const FURTHER_LIMIT: f64 = 0.25;
const DEFINITIONS_LIMIT: f64 = 8.0;
/// In bytes; a megabyte is 10^6 of them.
const RSS_LIMIT: u64 = 6_000_000;
const SIZE_LIMIT: u64 = 10_000_000;
const REQUESTS_LIMIT: usize = 4;

/// All that was measured. Figures are by scenario and contender.
pub(crate) struct Report {
    pub(crate) contenders: Vec<Contender>,
    /// Those of [`SIZES`], then that with an API server, if there was one.
    pub(crate) scenarios: Vec<Scenario>,
    pub(crate) warm_up: Vec<Vec<Warm>>,
    pub(crate) series: Vec<Vec<Series>>,
    /// By contender, in milliseconds; empty without API server.
    pub(crate) api_times: Vec<f64>,
    pub(crate) bursts: Vec<OfKind>,
}

/// A figure of ours, and the same of Multus where it was measured.
type Target = (Line, &'static str);

impl Report {
    /// Of nothing yet; the first contender is ours.
    pub(crate) fn new(contenders: Vec<Contender>) -> Self {
        let (scenarios, warm_up, series) = (Vec::new(), Vec::new(), Vec::new());
        let (api_times, bursts) = (Vec::new(), Vec::new());
        Self { contenders, scenarios, warm_up, series, api_times, bursts }
    }

    /// Adds these scenarios, all of which ask `api` or none.
    pub(crate) fn measure(
        &mut self,
        scenarios: Vec<Scenario>,
        rounds: usize,
        bed: &Bed,
        api: Option<&Api>,
    ) -> Result<()> {
        let warm_up = rounds::warm_up(&scenarios, &self.contenders, bed, api)?;
        self.series.extend(rounds::measure(&scenarios, &self.contenders, &warm_up, rounds)?);
        if let Some(api) = api {
            let adds = rounds::WARM_UP + rounds;
            let times = (0..self.contenders.len()).map(|index| api.own_time(index, adds));
            self.api_times = times.collect::<Result<_>>()?;
        }
        self.warm_up.extend(warm_up);
        self.scenarios.extend(scenarios);
        Ok(())
    }

    /// All tables.
    pub(crate) fn text(&self) -> Result<String> {
        let mut text = String::new();
        let (lines, multus): (Vec<Line>, Vec<&str>) = self.targets()?.into_iter().unzip();
        table::targets(&mut text, "multus-lite", &lines, Some(("Multus, elsewhere", &multus)))?;
        self.ratios(&mut text)?;
        self.calls(&mut text)?;
        self.api_server(&mut text)?;
        self.sizes(&mut text)?;
        self.bursts(&mut text)?;
        Ok(text)
    }

    fn targets(&self) -> Result<Vec<Target>> {
        let warm = self.warm_up.iter().map(|contenders| &contenders[0]);
        let rss = warm.map(|warm| warm.peak_rss).max().unwrap_or_default();
        let ours = self.bursts.iter().filter(|one| one.contender == 0);
        let wrong: usize = ours.map(|one| one.burst.wrong).sum();
        let [one, further] = [self.of_one(0), self.of_a_further(0)];
        let mut targets = vec![
            (Line::at_most("ADD of 1 delegate, overhead", one, ONE_LIMIT, 2, "ms"), "12.9 ms"),
            (Line::at_most("each further delegate", further, FURTHER_LIMIT, 2, "ms"), "0.6 ms"),
        ];
        if let Some(with_api) = self.with_api() {
            let overhead = Series::overhead(&self.series[with_api][0].add).median;
            let figure = "ADD with 2 definitions, overhead";
            let line = Line::at_most(figure, overhead, DEFINITIONS_LIMIT, 2, "ms");
            targets.push((line, "27.7 ms, without TLS"));
            let requests = self.warm_up[with_api][0].requests;
            let line =
                Line::at_most_of("requests to the API server in it", requests, REQUESTS_LIMIT);
            targets.push((line, "9"));
        }
        let size = size_of(&self.contenders[0].program)?;
        targets.extend([
            (Line::at_most_bytes("peak RSS", rss, RSS_LIMIT), "27 MB"),
            (Line::at_most_bytes("size of the binary", size, SIZE_LIMIT), "47 MB"),
            (Line::exactly("lost or left when many pods start and end at once", wrong, 0), ""),
        ]);
        Ok(targets)
    }

    /// How many times as long the other contenders take.
    fn ratios(&self, text: &mut String) -> Result<()> {
        for (index, other) in self.contenders.iter().enumerate().skip(1) {
            write!(text, "\nOverhead of an ADD, `{}` over `multus-lite`:", other.name)?;
            for (which, scenario) in self.scenarios.iter().enumerate() {
                let comma = if which == 0 { "" } else { "," };
                let ratio = self.add_overhead(which, index) / self.add_overhead(which, 0);
                write!(text, "{comma} {ratio:.1} with {}", scenario.name)?;
            }
            writeln!(text, ".")?;
        }
        Ok(())
    }

    /// The rounds.
    fn calls(&self, text: &mut String) -> Result<()> {
        writeln!(
            text,
            "\n| | | ADD, ms | its delegates alone, ms | ADD overhead, ms | DEL overhead, ms | one \
             durable write, ms | peak RSS, MB |\n|---|---|---|---|---|---|---|---|"
        )?;
        for (which, scenario) in self.scenarios.iter().enumerate() {
            for (index, contender) in self.contenders.iter().enumerate() {
                let (series, warm) = (&self.series[which][index], &self.warm_up[which][index]);
                let write = Spread::of(series.write.iter().copied());
                writeln!(
                    text,
                    "| {} | {} | {} | {} | {} | {} | {} ({} bytes) | {} |",
                    scenario.name,
                    contender.name,
                    Spread::of(series.add.iter().map(|sample| sample.wall)).cell(2),
                    Spread::of(series.add.iter().map(|sample| sample.delegates)).cell(2),
                    Series::overhead(&series.add).cell(2),
                    Series::overhead(&series.del).cell(2),
                    write.cell(2),
                    warm.record,
                    megabytes(warm.peak_rss),
                )?;
            }
        }
        let rounds = self.series[0][0].add.len();
        writeln!(text, "\nMedian (p10-p90) of {rounds} interleaved rounds.")?;
        Ok(())
    }

    fn api_server(&self, text: &mut String) -> Result<()> {
        let Some(with_api) = self.with_api() else {
            writeln!(text, "\nDefinitions of an API server were not measured: there was none.")?;
            return Ok(());
        };
        writeln!(text)?;
        for (index, contender) in self.contenders.iter().enumerate() {
            let requests = self.warm_up[with_api][index].requests;
            writeln!(
                text,
                "With 2 definitions the API server itself works {:.2} ms on the {requests} requests \
                 of `{}`, by its audit log.",
                self.api_times[index], contender.name
            )?;
        }
        Ok(())
    }

    fn sizes(&self, text: &mut String) -> Result<()> {
        for contender in self.contenders.iter().skip(1) {
            let size = megabytes(size_of(&contender.program)?);
            writeln!(text, "\nSize of `{}`: {size} MB.", contender.name)?;
        }
        Ok(())
    }

    fn bursts(&self, text: &mut String) -> Result<()> {
        let pods = self.bursts.first().context("no bursts")?.pods;
        writeln!(
            text,
            "\n| {pods} pods x {NETWORKS} networks, all at once | | all ADD, ms | all DEL, ms | lost \
             or left |\n|---|---|---|---|---|"
        )?;
        for OfKind { contender, kind, burst, .. } in &self.bursts {
            let name = &self.contenders[*contender].name;
            writeln!(text, "| {} | {name} | {} |", kind.name(), burst.cells())?;
        }
        Ok(())
    }

    fn of_one(&self, contender: usize) -> f64 {
        self.add_overhead(0, contender)
    }

    /// From the smallest to the largest number of delegates.
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    fn of_a_further(&self, contender: usize) -> f64 {
        let last = SIZES.len() - 1;
        let more = self.add_overhead(last, contender) - self.add_overhead(0, contender);
        more / (SIZES[last] - SIZES[0]) as f64
    }

    fn add_overhead(&self, scenario: usize, contender: usize) -> f64 {
        Series::overhead(&self.series[scenario][contender].add).median
    }

    /// Position of the scenario with an API server.
    fn with_api(&self) -> Option<usize> {
        (self.scenarios.len() > SIZES.len()).then_some(SIZES.len())
    }
}
