//! The command line of a benchmark.

#![expect(clippy::print_stdout, reason = "a tool for a terminal")]

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};

use crate::measure;

/// Measures what an attachment costs.
#[derive(Parser)]
struct Cli<O: Args> {
    #[command(subcommand)]
    task: Task<O>,
}

#[derive(Subcommand)]
enum Task<O: Args> {
    /// Measure all contenders and print the tables
    Run {
        #[command(flatten)]
        options: O,
        /// Write the tables here, too
        #[arg(long)]
        output: Option<PathBuf>,
    },
    /// Run a program and print its peak RSS in KiB (used by `run`)
    PeakRss {
        /// Program and arguments
        #[arg(trailing_var_arg = true, required = true)]
        command: Vec<OsString>,
    },
}

/// The whole program: `run` measures with the options of the command line, and returns the tables.
///
/// # Errors
/// As `run`.
pub fn main<O: Args>(run: impl FnOnce(&O) -> Result<String>) -> Result<()> {
    match Cli::<O>::parse().task {
        Task::PeakRss { command } => measure::print_peak_rss(&command),
        Task::Run { options, output } => {
            let text = run(&options)?;
            print!("{text}");
            let Some(path) = output else { return Ok(()) };
            fs::write(&path, &text).with_context(|| format!("write {}", path.display()))
        }
    }
}

/// Name and executable of each further contender.
///
/// # Errors
/// One is not NAME=PATH.
pub fn others<'a>(given: &'a [String]) -> Result<Vec<(&'a str, &'a Path)>> {
    let one = |other: &'a String| {
        let (name, path) =
            other.split_once('=').with_context(|| format!("--other {other}: not NAME=PATH"))?;
        Ok((name, Path::new(path)))
    };
    given.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_contender_has_a_name() {
        let given = ["a=/bin/a=b".to_owned()];
        assert_eq!(others(&given).unwrap(), [("a", Path::new("/bin/a=b"))]);
        assert!(others(&["/bin/a".to_owned()]).is_err());
    }
}
