//! What the values of a simulation's two files may be; mistakes are told with their line.

use std::fmt::Display;

use anyhow::{Result, ensure};

/// The most nodes, or pods, of a file: more would not be simulated in minutes.
const MOST: usize = 1_000_000;

/// Where a value stands: its line, and the group of nodes or pods that it is of.
pub(super) struct Place<'a> {
    pub(super) line: u64,
    pub(super) group: &'a str,
}

impl Place<'_> {
    pub(super) fn check(
        &self,
        valid: bool,
        key: &str,
        found: impl Display,
        want: &str,
    ) -> Result<()> {
        let Self { line, group } = self;
        ensure!(valid, "line {line}: {key} of {group:?} is {found}: it must be {want}");
        Ok(())
    }

    /// Least and greatest of what is drawn at random.
    pub(super) fn check_range<T: PartialOrd + Display>(
        &self,
        key: &str,
        [low, high]: &[T; 2],
        least: &T,
    ) -> Result<()> {
        let found = format!("[{low}, {high}]");
        let want = format!("two numbers from {least} up, the less one first");
        self.check(least <= low && low <= high, key, found, &want)
    }

    /// How many of something one node has, or takes.
    pub(super) fn check_amount(&self, key: &str, amount: u64) -> Result<()> {
        self.check(amount <= MOST as u64, key, amount, &format!("{MOST} at most"))
    }

    /// How many there are in the group, after `before` in others.
    pub(super) fn check_count(&self, count: usize, before: usize) -> Result<()> {
        let left = MOST.saturating_sub(before);
        let want = format!("from 1 to {left}, for there may be {MOST} in all");
        self.check((1..=left).contains(&count), "count", count, &want)
    }
}
