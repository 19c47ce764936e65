//! `fastpath ovn`: joins the overlay to a network outside of it, as a file says.
//!
//! Touches: rows of `OVN_Northbound`, and of `Open_vSwitch` on the gateway chassis, that have
//! `fastpath-external=NAME` in their `external_ids`; there also `ovn-bridge-mappings`. Nothing else, and no
//! row of anybody else.
//!
//! A reader's way: `file` is what the operator writes, `logical` what the northbound database has for it, `chassis` (with
//! `mappings`) what a switch has; `site` looks at them all and changes them; `plan`, `expose` and `withdraw` are the verbs.

mod chassis;
mod expose;
mod file;
mod logical;
mod mappings;
mod plan;
mod router;
mod site;
mod withdraw;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::yaml;
use file::External;

/// Key of `external_ids` that tells of which external network a row is.
const OWNER: &str = "fastpath-external";

/// Join the overlay of OVN to a network outside of it, as a file says
#[derive(Args)]
pub(crate) struct Ovn {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Print what `expose` would change; changes nothing
    Plan(File),
    /// Make everything as the file says
    Expose(File),
    /// Remove everything that was made for the network
    Withdraw(File),
}

#[derive(Args)]
struct File {
    /// The external network, YAML
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
}

impl Ovn {
    pub(crate) fn run(&self) -> Result<ExitCode> {
        let (Verb::Plan(File { file })
        | Verb::Expose(File { file })
        | Verb::Withdraw(File { file })) = &self.verb;
        let external = yaml::read(file, External::parse)?;
        match self.verb {
            Verb::Plan(_) => plan::run(&external)?,
            Verb::Expose(_) => expose::run(&external)?,
            Verb::Withdraw(_) => withdraw::run(&external)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
