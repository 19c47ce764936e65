//! How slow a pod's network may be, as the pod says it.

use std::fmt;

use crate::{Bands, Datapath, Error};

/// Annotation with a budget in whole µs: `"5000"`.
pub const LATENCY: &str = "latency";

/// Annotation with a budget and its unit: `"800us"`, `"5ms"`.
pub const LATENCY_WITH_UNIT: &str = "fastpath.dev/latency";

/// The greatest budget. Node affinity compares labels with the budget and one more, as `i64`.
const GREATEST_US: u64 = i64::MAX as u64 - 1;

/// The greatest p99 that a pod bears, µs; never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Budget(u64);

impl Budget {
    /// In µs.
    #[must_use]
    pub fn us(self) -> u64 {
        self.0
    }

    /// The budget of a pod with these annotations; none when it has none.
    ///
    /// # Errors
    /// [`Error::Annotation`] when an annotation is no budget, [`Error::TwoBudgets`] when there are two that differ.
    pub fn from_annotations<'a>(
        annotation: impl Fn(&str) -> Option<&'a str>,
    ) -> Result<Option<Self>, Error> {
        let plain = annotation(LATENCY).map(Self::plain).transpose()?;
        let with_unit = annotation(LATENCY_WITH_UNIT).map(Self::with_unit).transpose()?;
        match (plain, with_unit) {
            (Some(plain), Some(with_unit)) if plain != with_unit => {
                Err(Error::TwoBudgets { plain, with_unit })
            }
            (plain, with_unit) => Ok(plain.or(with_unit)),
        }
    }

    fn plain(text: &str) -> Result<Self, Error> {
        whole(text, 1).ok_or_else(|| Error::Annotation {
            annotation: LATENCY,
            found: found(text),
            want: "a whole number of microseconds, without sign, unit or leading zero, such as \"5000\"",
        })
    }

    /// A number with its unit.
    pub(crate) fn with_unit(text: &str) -> Result<Self, Error> {
        let us = match (text.strip_suffix("us"), text.strip_suffix("ms")) {
            (Some(number), _) => whole(number, 1),
            (_, Some(number)) => whole(number, 1000),
            _ => None,
        };
        us.ok_or_else(|| Error::Annotation {
            annotation: LATENCY_WITH_UNIT,
            found: found(text),
            want: "a whole number with its unit, us or ms, such as \"800us\" or \"5ms\"",
        })
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} µs", self.0)
    }
}

impl Bands {
    /// The path that serves a budget.
    ///
    /// # Errors
    /// [`Error::TooLow`] below the first band: no path serves it.
    pub fn path(&self, budget: Budget) -> Result<Datapath, Error> {
        let band = self.iter().find(|band| band.contains(budget.us()));
        let lowest_us = self.iter().next().map_or(0, |first| first.lower_us);
        band.map(|band| band.path).ok_or(Error::TooLow { budget, lowest_us })
    }
}

/// A number of nothing but digits, times `unit_us`. One that begins with 0 is either 0 or octal to some.
fn whole(text: &str, unit_us: u64) -> Option<Budget> {
    if text.starts_with('0') || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let us = text.parse::<u64>().ok()?.checked_mul(unit_us)?;
    (us <= GREATEST_US).then_some(Budget(us))
}

/// Somebody else's text, fit for a message.
pub(crate) fn found(text: &str) -> String {
    let text: String = text.chars().take(40).collect();
    format!("{text:?}")
}

#[cfg(test)]
#[path = "budget_tests.rs"]
mod tests;
