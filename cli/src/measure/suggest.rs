//! `--suggest-bands`: a table of bands from the reports of several nodes, for the operator to accept.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use policy::{Report, Suggestion};

pub(super) fn print(files: &[PathBuf]) -> Result<ExitCode> {
    let read = |file: &PathBuf| -> Result<Report> {
        let json = fs::read(file).with_context(|| format!("read {}", file.display()))?;
        Report::from_json(&json).with_context(|| format!("{} is no report", file.display()))
    };
    let reports: Vec<Report> = files.iter().map(read).collect::<Result<_>>()?;
    let rows = policy::suggest(&reports);
    super::print(&rows.iter().map(row).collect::<String>())?;
    Ok(ExitCode::SUCCESS)
}

fn row(suggestion: &Suggestion) -> String {
    let mut text = format!("{:<10}", suggestion.path);
    // Writing to a String does not fail.
    match &suggestion.band {
        Ok(band) => write!(text, "  {band}"),
        Err(refusal) => write!(text, "  no band: {refusal}"),
    }
    .ok();
    if let Some(figures) = &suggestion.figures {
        write!(
            text,
            "  (p99 of {} nodes: median {:.0} us, worst {:.0} us on {})",
            figures.nodes, figures.median_us, figures.worst_us, figures.worst_node
        )
        .ok();
    }
    if !suggestion.lossy.is_empty() {
        write!(text, "  with loss: {}", suggestion.lossy.join(", ")).ok();
    }
    text + "\n"
}
