//! Questions over HTTP, to the extender and to its floor in turn; and to the extender's function alone.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bench::rounds::turns;
use bench::table::percentile;

use crate::NODES;
use crate::client::Client;
use crate::nodes;
use crate::question::Question;
use crate::server::Server;

/// Rounds that do not count: connections are new, caches are cold.
const WARM_UP: usize = 10;

/// Times of the questions about so many names, in microseconds.
pub(crate) struct Times {
    pub(crate) names: usize,
    pub(crate) bytes: usize,
    pub(crate) answer: usize,
    pub(crate) extender: Vec<f64>,
    pub(crate) floor: Vec<f64>,
    pub(crate) in_process: Vec<f64>,
}

pub(crate) struct Memory {
    /// Bytes, after all questions.
    pub(crate) rss: u64,
    /// The most that there ever was.
    pub(crate) peak: u64,
}

/// The rounds for each number of names; the nodes are known from a watch.
pub(crate) fn measure(
    extender: &Path,
    floor: &Path,
    dir: &Path,
    sizes: &[usize],
    rounds: usize,
) -> Result<(Vec<Times>, Memory)> {
    let api = nodes::serve(NODES)?;
    let kubeconfig = api.kubeconfig("{\"token\": \"t\"}");
    let kubeconfig = kubeconfig.to_str().context("a path that is no text")?;
    let address = "127.0.0.1:9443";
    let extender =
        Server::start(extender, &["--listen", address, "--kubeconfig", kubeconfig], address)?;
    let floor = Server::start(floor, &["127.0.0.1:9444"], "127.0.0.1:9444")?;
    let file = dir.join("nodes.json");
    nodes::write(&file, NODES)?;
    let in_process = latency_scheduler::in_process::prioritize(&file)?;

    let mut times = Vec::new();
    for names in sizes {
        times.push(rounds_of(*names, rounds, &extender, &floor, &in_process)?);
    }
    Ok((times, Memory { rss: extender.memory("VmRSS")?, peak: extender.memory("VmHWM")? }))
}

fn rounds_of(
    names: usize,
    rounds: usize,
    extender: &Server,
    floor: &Server,
    in_process: impl Fn(&[u8]) -> Result<Vec<u8>>,
) -> Result<Times> {
    let [mut extender, mut floor] =
        [Client::connect(extender.address)?, Client::connect(floor.address)?];
    let mut times = Times {
        names,
        bytes: 0,
        answer: 0,
        extender: Vec::new(),
        floor: Vec::new(),
        in_process: Vec::new(),
    };
    for round in 0..WARM_UP + rounds {
        let question = Question::new(round, names, NODES)?;
        for turn in turns(round, 3) {
            let (took, of) = match turn {
                0 => {
                    let (took, answer) = extender.ask(&question.body)?;
                    question.check(answer).context("latency-scheduler answers")?;
                    times.answer = answer.len();
                    (took, &mut times.extender)
                }
                1 => (floor.ask(&question.body)?.0, &mut times.floor),
                _ => {
                    let begin = Instant::now();
                    let answer = in_process(&question.body)?;
                    let took = begin.elapsed();
                    question.check(&answer).context("the function answers")?;
                    (took, &mut times.in_process)
                }
            };
            if round >= WARM_UP {
                of.push(us(took));
            }
        }
        times.bytes = question.body.len();
    }
    Ok(times)
}

fn us(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

impl Times {
    /// Of the extender over that of its floor.
    pub(crate) fn ratio(&self, percent: usize) -> f64 {
        percentile(&self.extender, percent) / percentile(&self.floor, percent)
    }
}
