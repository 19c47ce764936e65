//! Many pods at once, as after a reboot: nothing may be lost, and nothing left.

#![expect(clippy::print_stderr, reason = "a tool for a terminal")]

use std::process::Command;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use crate::call::Verb;
use crate::measure;
use crate::table::{Spread, ms};

/// How often, in turns.
const REPEAT: usize = 3;

/// What one contender made of it.
#[derive(Debug, Default)]
pub struct Burst {
    /// From the start of the first to the end of the last, in milliseconds.
    add: Vec<f64>,
    del: Vec<f64>,
    /// Of all that should have been after ADD, and should not have been after DEL.
    pub wrong: usize,
}

impl Burst {
    /// Runs these calls at once. Returns the answers of those that succeeded; the others are wrong.
    pub fn call(&mut self, verb: Verb, commands: Vec<Command>, conf: &str) -> Vec<String> {
        let wanted = commands.len();
        let (took, answers) = all_at_once(commands, conf);
        match verb {
            Verb::Add => self.add.push(ms(took)),
            Verb::Del => self.del.push(ms(took)),
        }
        let good = good(verb, answers);
        self.wrong += wanted - good.len();
        good
    }

    /// The last cells of its row: all ADD and all DEL in milliseconds, the median, and what was wrong.
    #[must_use]
    pub fn cells(&self) -> String {
        let [add, del] = [&self.add, &self.del].map(|all| Spread::of(all.iter().copied()).median);
        format!("{add:.0} | {del:.0} | {}", self.wrong)
    }
}

/// Lets each take its turn, several times.
///
/// # Errors
/// As `once`.
pub fn repeat<T>(bursts: &mut [T], mut once: impl FnMut(&mut T) -> Result<()>) -> Result<()> {
    for turn in 0..REPEAT {
        eprintln!("burst {} of {REPEAT}", turn + 1);
        bursts.iter_mut().try_for_each(&mut once)?;
    }
    Ok(())
}

/// Runs each command on a thread of its own; they begin together.
fn all_at_once(commands: Vec<Command>, conf: &str) -> (Duration, Vec<Result<String>>) {
    let barrier = Barrier::new(commands.len() + 1);
    thread::scope(|scope| {
        let one = |command| {
            barrier.wait();
            measure::timed(command, conf).map(|(_, answer)| answer)
        };
        let running: Vec<_> =
            commands.into_iter().map(|command| scope.spawn(move || one(command))).collect();
        barrier.wait();
        let start = Instant::now();
        let answers = running
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err(anyhow!("a thread panicked"))))
            .collect();
        (start.elapsed(), answers)
    })
}

/// Answers of the calls that succeeded; some of the others are told.
fn good(verb: Verb, answers: Vec<Result<String>>) -> Vec<String> {
    let failures = answers.iter().filter_map(|answer| answer.as_ref().err());
    failures.take(3).for_each(|error| eprintln!("{verb} in a burst: {error:#}"));
    answers.into_iter().flatten().collect()
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "runs what stands for a plugin")]
mod tests {
    use super::*;

    #[test]
    fn all_run_and_each_answers_for_itself() {
        let commands = || vec![Command::new("cat"), Command::new("false"), Command::new("cat")];
        let mut burst = Burst::default();
        assert_eq!(burst.call(Verb::Add, commands(), "conf"), ["conf", "conf"]);
        burst.call(Verb::Del, commands(), "conf");
        assert_eq!(burst.wrong, 2);
        assert!(burst.add[0] > 0.0 && burst.del[0] > 0.0, "{burst:?}");
    }

    #[test]
    fn turns_go_round() {
        let mut order = Vec::new();
        repeat(&mut ["a", "b"], |name| {
            order.push(*name);
            Ok(())
        })
        .unwrap();
        assert_eq!(order, ["a", "b", "a", "b", "a", "b"]);
    }
}
