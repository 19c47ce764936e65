//! Rounds: each contender calls ADD and DEL once, so that whatever slows the machine down slows all of them.

use std::time::Duration;

use crate::call::Verb;
use crate::measure::Cost;
use crate::table::{Spread, ms};

/// The contenders of a round, by position. Another one begins each time: nobody always comes after the
/// same neighbour.
pub fn turns(round: usize, contenders: usize) -> impl Iterator<Item = usize> {
    (0..contenders).map(move |turn| (round + turn) % contenders)
}

/// The calls of one contender, one of each per round.
#[derive(Debug, Default)]
pub struct Calls {
    add: Vec<Cost>,
    del: Vec<Cost>,
}

impl Calls {
    /// One more.
    pub fn push(&mut self, verb: Verb, cost: Cost) {
        match verb {
            Verb::Add => self.add.push(cost),
            Verb::Del => self.del.push(cost),
        }
    }

    /// All of them.
    #[must_use]
    pub fn of(&self, verb: Verb) -> &[Cost] {
        match verb {
            Verb::Add => &self.add,
            Verb::Del => &self.del,
        }
    }

    /// What they took, in milliseconds.
    #[must_use]
    pub fn spread(&self, verb: Verb, of: fn(&Cost) -> Duration) -> Spread {
        Spread::of(self.of(verb).iter().map(|cost| ms(of(cost))))
    }

    /// The median over that of `other`.
    #[must_use]
    pub fn ratio(&self, other: &Self, verb: Verb, of: fn(&Cost) -> Duration) -> f64 {
        self.spread(verb, of).median / other.spread(verb, of).median
    }

    /// Whether CPU times come in whole milliseconds, as those of a kernel do that counts ticks: too
    /// coarse for single calls.
    #[must_use]
    pub fn in_ticks(&self) -> bool {
        self.add.iter().all(|cost| cost.cpu.subsec_micros().is_multiple_of(1000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_begins_once() {
        let rounds: Vec<Vec<usize>> = (0..3).map(|round| turns(round, 3).collect()).collect();
        assert_eq!(rounds, [[0, 1, 2], [1, 2, 0], [2, 0, 1]]);
    }

    #[test]
    fn medians_are_compared() {
        let calls = |micros: [u64; 3]| {
            let mut calls = Calls::default();
            for micros in micros {
                let time = Duration::from_micros(micros);
                calls.push(Verb::Add, Cost { cpu: time, wall: time * 2 });
            }
            calls
        };
        let (one, other) = (calls([3000, 9999, 1000]), calls([1000, 2000, 1500]));
        assert!((one.ratio(&other, Verb::Add, Cost::cpu) - 2.0).abs() < 1e-9);
        assert!((one.spread(Verb::Add, Cost::wall).median - 6.0).abs() < 1e-9);
        assert!(!one.in_ticks() && calls([1000, 2000, 3000]).in_ticks());
    }
}
