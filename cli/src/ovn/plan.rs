//! `plan`: what `expose` would change.

use std::io::{self, Write as _};

use anyhow::{Context, Result};

use super::file::External;
use super::site::{Goal, Site, print};

/// Prints it; changes nothing.
pub(super) fn run(external: &External) -> Result<()> {
    let mut site = Site::connect(external, Goal::Exposed)?;
    let differences = site.differences()?;
    if differences.iter().all(|(_, difference)| difference.is_empty()) {
        say("nothing to change")?;
    }
    for (database, difference) in differences.iter().filter(|(_, d)| !d.changes.is_empty()) {
        print(database, difference)?;
    }
    elsewhere(&site)
}

/// Names the chassis that it says nothing of.
pub(super) fn elsewhere(site: &Site<'_>) -> Result<()> {
    for chassis in site.elsewhere() {
        say(&format!("chassis {chassis} is not reached from here: run the same on it, too"))?;
    }
    Ok(())
}

pub(super) fn say(text: &str) -> Result<()> {
    writeln!(io::stdout(), "{text}").context("write to stdout")
}
