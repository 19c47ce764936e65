//! What the node has: network controllers, memory, processors, the switch. Read only.

mod machine;
mod switch;
mod text;

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Args;
use hostnet::Host;
use ovsdb::Address;
use serde::Serialize;
use vf::{Function, Sysfs};

pub(crate) use machine::Machine;
#[cfg(test)]
pub(crate) use switch::Bridge;
pub(crate) use switch::Switch;

/// How long a switch that is there has for its answer.
const SWITCH_DEADLINE: Duration = Duration::from_secs(2);

/// All of it, as `inventory --json` prints it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Inventory {
    /// The machine.
    pub(crate) machine: Machine,
    /// Its network controllers.
    pub(crate) functions: Vec<Function>,
    /// The switch, where it answers.
    pub(crate) switch: Option<Switch>,
    /// Why there is no switch.
    pub(crate) no_switch: Option<String>,
}

/// Print what this node has
#[derive(Args)]
pub(crate) struct Print {
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Database of Open vSwitch
    #[arg(long, value_name = "ADDRESS", default_value = "unix:/var/run/openvswitch/db.sock")]
    ovsdb: Address,
}

impl Print {
    #[expect(clippy::print_stdout, reason = "this is what the command is for")]
    pub(crate) fn run(&self, host: &Host) -> Result<()> {
        let inventory = Inventory::read(host, &self.ovsdb)?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&inventory).context("as JSON")?);
        } else {
            print!("{}", text::of(&inventory));
        }
        Ok(())
    }
}

impl Inventory {
    /// Reads anew what changes: the network controllers.
    pub(crate) fn refresh(&mut self, host: &Host) -> Result<()> {
        self.functions = Sysfs::new(&host.sys).functions().context("list network controllers")?;
        Ok(())
    }

    /// Reads all of it. A switch that does not answer is told, and no error.
    pub(crate) fn read(host: &Host, ovsdb: &Address) -> Result<Self> {
        let functions = Sysfs::new(&host.sys).functions().context("list network controllers")?;
        let (switch, no_switch) = match Switch::read(ovsdb, Instant::now() + SWITCH_DEADLINE) {
            Ok(switch) => (Some(switch), None),
            Err(error) => (None, Some(cni::chain(&error))),
        };
        Ok(Self { machine: Machine::read(&host.sys, &host.proc), functions, switch, no_switch })
    }
}
