//! All databases that an external network has rows in, as far as they are reached from here.

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ovsdb::declared::Difference;
use ovsdb::{Address, Identity, Northbound};

use super::OWNER;
use super::chassis::Chassis;
use super::file::{External, Gateway, TlsFiles};
use super::router;

/// For all that is asked of a database at a time.
const DEADLINE: Duration = Duration::from_secs(20);
/// How often a change is tried that others get in the way of.
const TRIES: usize = 5;
/// The switch of the host that it is run on.
const LOCAL: &str = "unix:/var/run/openvswitch/db.sock";

/// What is to become of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    Exposed,
    Withdrawn,
}

/// The databases.
pub(super) struct Site<'a> {
    external: &'a External,
    goal: Goal,
    nb: Northbound,
    chassis: Vec<Chassis>,
    /// Switches that do not answer when all is to be withdrawn, and why.
    unanswered: Vec<String>,
}

pub(super) fn deadline() -> Instant {
    Instant::now() + DEADLINE
}

impl<'a> Site<'a> {
    /// Connects to the northbound database, and to the switches of the chassis.
    pub(super) fn connect(external: &'a External, goal: Goal) -> Result<Self> {
        let identity = match &external.tls {
            None => Identity::default(),
            Some(TlsFiles { key, certificate, authority }) => {
                Identity::load(key, certificate, authority)?
            }
        };
        let nb = Northbound::connect(&external.nb, &identity, deadline())
            .context("the northbound database of OVN")?;
        let mut site = Self { external, goal, nb, chassis: Vec::new(), unanswered: Vec::new() };
        for (gateway, address) in with_address(external) {
            site.add(chassis_of(gateway, address))?;
        }
        if external.gateways.iter().any(|gateway| gateway.ovsdb.is_none()) {
            let local: Address = LOCAL.parse().expect("it is an address");
            site.add(Chassis::connect(&local, deadline()).context(
                "the switch of this host; run it on the gateway chassis, or give each its ovsdb",
            ))?;
        }
        Ok(site)
    }

    /// Nothing is exposed where one does not answer; withdrawing goes on without it.
    fn add(&mut self, found: Result<Chassis>) -> Result<()> {
        match found {
            Ok(chassis) => self.chassis.push(chassis),
            Err(error) if self.goal == Goal::Withdrawn => {
                self.unanswered.push(format!("{error:#}"));
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Says where nothing was withdrawn.
    pub(super) fn check_answered(&self) -> Result<()> {
        if self.unanswered.is_empty() {
            return Ok(());
        }
        bail!("not withdrawn there, run it again when it answers: {}", self.unanswered.join("; "))
    }

    /// Chassis of the file whose switches are not reached from here.
    pub(super) fn elsewhere(&self) -> Vec<&str> {
        let reached = |gateway: &&Gateway| self.chassis.iter().all(|c| c.name != gateway.chassis);
        self.external
            .gateways
            .iter()
            .filter(reached)
            .map(|gateway| gateway.chassis.as_str())
            .collect()
    }

    /// How each database differs from the goal, with what it is called.
    pub(super) fn differences(&mut self) -> Result<Vec<(String, Difference)>> {
        let logical = self.logical()?;
        let mut all = vec![("OVN_Northbound".to_owned(), logical)];
        for index in 0..self.chassis.len() {
            let difference = self.of_chassis(index)?;
            all.push((format!("Open_vSwitch of {}", self.chassis[index].name), difference));
        }
        Ok(all)
    }

    fn logical(&mut self) -> Result<Difference> {
        let owner = (OWNER, self.external.name.as_str());
        let rows = match self.goal {
            Goal::Exposed => router::admit(&mut self.nb, self.external)?,
            Goal::Withdrawn => Vec::new(),
        };
        Ok(self.nb.difference(owner, &rows, deadline())?)
    }

    fn of_chassis(&mut self, index: usize) -> Result<Difference> {
        let chassis = &mut self.chassis[index];
        let mut gateways = self.external.gateways.iter();
        let gateway = gateways.find(|gateway| gateway.chassis == chassis.name);
        let gateway = gateway.filter(|_| self.goal == Goal::Exposed);
        let name = chassis.name.clone();
        let difference = chassis.difference(self.external, gateway, deadline());
        difference.with_context(|| format!("chassis {name}"))
    }

    /// Reaches the goal in the northbound database. Whether anything was to be done.
    pub(super) fn settle_logical(&mut self) -> Result<bool> {
        for tried in 0..TRIES {
            let difference = self.logical()?;
            if difference.is_empty() {
                return Ok(tried > 0);
            }
            if let Some(change) = self.nb.apply(&difference, deadline())? {
                print("OVN_Northbound", &difference)?;
                self.nb.await_northd(change, deadline()).context(
                    "the rows are in OVN_Northbound, but nobody acts on them: is ovn-northd running?",
                )?;
            }
        }
        bail!("others kept changing the same rows of OVN_Northbound: try again")
    }

    /// Reaches the goal on each chassis. Whether anything was to be done.
    pub(super) fn settle_chassis(&mut self) -> Result<bool> {
        let mut changed = false;
        for index in 0..self.chassis.len() {
            changed |= self.settle_one(index)?;
        }
        Ok(changed)
    }

    fn settle_one(&mut self, index: usize) -> Result<bool> {
        let name = self.chassis[index].name.clone();
        for tried in 0..TRIES {
            let difference = self.of_chassis(index)?;
            if difference.is_empty() {
                return Ok(tried > 0);
            }
            let applied = self.chassis[index].apply(&difference, deadline());
            if applied.with_context(|| format!("chassis {name}"))? {
                print(&format!("Open_vSwitch of {name}"), &difference)?;
            }
        }
        bail!("others kept changing the same rows of {name}'s switch: try again")
    }

    /// Says which external interfaces their switches could not open.
    pub(super) fn check_interfaces(&mut self) -> Result<()> {
        let mut failures = Vec::new();
        for chassis in &mut self.chassis {
            let failed = chassis.failures(self.external, deadline())?;
            failures
                .extend(failed.into_iter().map(|text| format!("chassis {}: {text}", chassis.name)));
        }
        if failures.is_empty() {
            return Ok(());
        }
        bail!(
            "{}; a PCI function is to be bound to vfio-pci or driven by its own DPDK driver, an interface \
             to exist: correct it, and run expose again",
            failures.join("; ")
        )
    }
}

fn chassis_of(gateway: &Gateway, address: &Address) -> Result<Chassis> {
    let found = Chassis::connect(address, deadline())
        .with_context(|| format!("the switch of chassis {}", gateway.chassis))?;
    if found.name != gateway.chassis {
        bail!("{address} is of chassis {}, not of {}", found.name, gateway.chassis);
    }
    Ok(found)
}

/// The gateways whose switches are reached by an address of their own.
fn with_address(external: &External) -> impl Iterator<Item = (&Gateway, &Address)> {
    external.gateways.iter().filter_map(|gateway| Some((gateway, gateway.ovsdb.as_ref()?)))
}

/// Prints what is or was changed in a database.
pub(super) fn print(database: &str, difference: &Difference) -> Result<()> {
    let lines = difference.changes.iter().map(|change| format!("  {change}\n"));
    let text = format!("{database}\n{}", lines.collect::<String>());
    io::stdout().write_all(text.as_bytes()).context("write to stdout")
}
