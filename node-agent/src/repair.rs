//! `node-agent repair`: one pass of the caretaker.

use anyhow::{Context, Result, ensure};
use clap::Args;
use hostnet::Host;

use crate::caretaker::{Caretaker, Finding, Means, Outcome, Pass};

/// Put right what killed, lost and rebooted pods have left
#[derive(Args)]
pub(crate) struct Repair {
    /// Only tell what would be done
    #[arg(long)]
    dry_run: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    means: Means,
}

impl Repair {
    #[expect(clippy::print_stdout, reason = "this is what the command is for")]
    pub(crate) fn run(self, host: &Host) -> Result<()> {
        let pass = Caretaker::new(host, self.means)?.pass(self.dry_run);
        if self.json {
            println!("{}", serde_json::to_string_pretty(&pass).context("as JSON")?);
        } else {
            print!("{}", text(&pass));
        }
        ensure!(pass.is_clean(), "not everything could be put in order");
        Ok(())
    }
}

/// A line for each finding.
fn text(pass: &Pass) -> String {
    pass.findings.iter().map(line).collect()
}

fn line(Finding { object, found, action, outcome, .. }: &Finding) -> String {
    match outcome {
        Outcome::Done => format!("{object}: {found}: {action}: done\n"),
        Outcome::Would => format!("{object}: {found}: would {action}\n"),
        Outcome::Left => format!("{object}: {found}: left alone: {action}\n"),
        Outcome::Failed(why) => format!("{object}: {found}: {action}: failed: {why}\n"),
    }
}
