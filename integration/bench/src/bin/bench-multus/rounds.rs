//! The rounds: the contender, then the plugins that it called, called by this program.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bench::call::Verb;
use bench::host::files;
use bench::measure;
use bench::rounds::turns;
use bench::table::{Spread, ms};

use crate::bed::{Bed, records, write_beside_records};
use crate::contender::Contender;
use crate::definitions::Api;
use crate::scenario::{CONTAINER, Scenario};

/// Calls before those that count, in which peak RSS is taken and everything is checked.
pub(crate) const WARM_UP: usize = 5;

/// Between two rounds, for what is still to be done after an answer.
const SETTLE: Duration = Duration::from_millis(2);

/// What one call took, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// From fork until it was reaped.
    pub(crate) wall: f64,
    /// The plugins alone.
    pub(crate) delegates: f64,
}

/// One contender in one scenario.
#[derive(Debug, Default)]
pub(crate) struct Series {
    pub(crate) add: Vec<Sample>,
    pub(crate) del: Vec<Sample>,
    /// One durable write of a file as large as the contender's record, in milliseconds.
    pub(crate) write: Vec<f64>,
}

impl Series {
    /// What the contender took for itself.
    pub(crate) fn overhead(samples: &[Sample]) -> Spread {
        Spread::of(samples.iter().map(|sample| sample.wall - sample.delegates))
    }
}

/// What is known of a contender in a scenario before the rounds.
#[derive(Debug, Default, Clone)]
pub(crate) struct Warm {
    /// Highest peak RSS of an ADD in bytes, pages of files included.
    pub(crate) peak_rss: u64,
    /// Size of its record in bytes.
    pub(crate) record: u64,
    /// Most requests to the API server in one ADD.
    pub(crate) requests: usize,
}

/// Some calls, each of which must have done what it is for; by scenario and contender.
pub(crate) fn warm_up(
    scenarios: &[Scenario],
    contenders: &[Contender],
    bed: &Bed,
    api: Option<&Api>,
) -> Result<Vec<Vec<Warm>>> {
    let of_scenario = |scenario| {
        let all = contenders.iter().enumerate();
        all.map(|(index, contender)| warm(scenario, contender, index, bed, api)).collect()
    };
    scenarios.iter().map(of_scenario).collect()
}

fn warm(
    scenario: &Scenario,
    contender: &Contender,
    index: usize,
    bed: &Bed,
    api: Option<&Api>,
) -> Result<Warm> {
    let what = || format!("{} with {}", contender.name, scenario.name);
    let marks = || files(&bed.marks, |_| true).map(|marks| marks.len());
    let mut warm = Warm::default();
    for _ in 0..WARM_UP {
        let before = api.map_or(0, |api| api.requests(index));
        let mut add = scenario.command(Verb::Add, &contender.program);
        add.env("BENCH_MARKS", &bed.marks);
        let rss = measure::peak_rss(&add, scenario.conf(index)).with_context(what)?;
        ensure!(marks()? == scenario.networks, "{}: networks are missing", what());
        let record = records(CONTAINER)?
            .iter()
            .filter_map(|path| path.metadata().ok())
            .map(|m| m.len())
            .sum();
        let requests = api.map_or(0, |api| api.requests(index)) - before;
        warm.peak_rss = warm.peak_rss.max(rss);
        warm.record = warm.record.max(record);
        warm.requests = warm.requests.max(requests);

        let mut del = scenario.command(Verb::Del, &contender.program);
        del.env("BENCH_MARKS", &bed.marks);
        measure::timed(del, scenario.conf(index)).with_context(what)?;
        ensure!(marks()? == 0, "{}: DEL has left networks", what());
    }
    ensure!(warm.record > 0, "{}: no record is found", what());
    Ok(warm)
}

/// All rounds, by scenario and contender.
pub(crate) fn measure(
    scenarios: &[Scenario],
    contenders: &[Contender],
    warm: &[Vec<Warm>],
    rounds: usize,
) -> Result<Vec<Vec<Series>>> {
    let nothing = || contenders.iter().map(|_| Series::default()).collect();
    let mut all: Vec<Vec<Series>> = scenarios.iter().map(|_| nothing()).collect();
    for round in 0..rounds {
        if round % 20 == 0 {
            eprintln!("round {} of {rounds}", round + 1);
        }
        for (which, scenario) in scenarios.iter().enumerate() {
            for index in turns(round, contenders.len()) {
                let (contender, series) = (&contenders[index], &mut all[which][index]);
                series.add.push(sample(scenario, contender, index, Verb::Add)?);
                series.del.push(sample(scenario, contender, index, Verb::Del)?);
                let size = usize::try_from(warm[which][index].record)?;
                series.write.push(ms(write_beside_records(size)?));
                sleep(SETTLE);
            }
        }
    }
    Ok(all)
}

fn sample(scenario: &Scenario, contender: &Contender, index: usize, verb: Verb) -> Result<Sample> {
    let what = || format!("{verb} of {} with {}", contender.name, scenario.name);
    let command = scenario.command(verb, &contender.program);
    let (wall, _) = measure::timed(command, scenario.conf(index)).with_context(what)?;
    let mut delegates = Duration::ZERO;
    for (command, stdin) in scenario.delegates(verb) {
        delegates += measure::timed(command, &stdin).context("call a delegate")?.0;
    }
    Ok(Sample { wall: ms(wall), delegates: ms(delegates) })
}
