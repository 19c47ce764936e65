//! Rows of routers, switches and their ports as they should be.

use std::time::{Duration, Instant};

use serde::Deserialize;

use super::{ANSWER, DATABASE, Northbound};
use crate::declared::{Declared, Difference, Error, Scope, Table, difference};
use crate::{Row, Transaction, at_least};

/// Routers.
pub const LOGICAL_ROUTER: Table = Table {
    name: "Logical_Router",
    parent: None,
    key: &["name"],
    children: &["ports", "static_routes", "policies", "nat"],
};

/// Ports of routers.
pub const LOGICAL_ROUTER_PORT: Table = Table {
    name: "Logical_Router_Port",
    parent: Some(("Logical_Router", "ports")),
    key: &["name"],
    children: &[],
};

/// The chassis that may have a router's port, by priority.
pub const GATEWAY_CHASSIS: Table = Table {
    name: "Gateway_Chassis",
    parent: Some(("Logical_Router_Port", "gateway_chassis")),
    key: &["name"],
    children: &[],
};

/// Routes of routers.
pub const STATIC_ROUTE: Table = Table {
    name: "Logical_Router_Static_Route",
    parent: Some(("Logical_Router", "static_routes")),
    key: &["ip_prefix", "nexthop"],
    children: &[],
};

/// Translations of routers.
pub const NAT: Table = Table {
    name: "NAT",
    parent: Some(("Logical_Router", "nat")),
    key: &["type", "external_ip", "logical_ip"],
    children: &[],
};

/// Switches.
pub const LOGICAL_SWITCH: Table = Table {
    name: "Logical_Switch",
    parent: None,
    key: &["name"],
    children: &["ports", "acls", "qos_rules"],
};

/// Ports of switches.
pub const LOGICAL_SWITCH_PORT: Table = Table {
    name: "Logical_Switch_Port",
    parent: Some(("Logical_Switch", "ports")),
    key: &["name"],
    children: &[],
};

const TABLES: [&Table; 7] = [
    &LOGICAL_ROUTER,
    &LOGICAL_ROUTER_PORT,
    &GATEWAY_CHASSIS,
    &STATIC_ROUTE,
    &NAT,
    &LOGICAL_SWITCH,
    &LOGICAL_SWITCH_PORT,
];

/// How far `ovn-northd` and the chassis have come.
#[derive(Debug, Deserialize)]
struct Global {
    nb_cfg: i64,
}

impl Row for Global {
    const TABLE: &'static str = "NB_Global";
    const COLUMNS: &'static [&'static str] = &["nb_cfg"];
}

impl Northbound {
    /// How the rows of an owner differ from these.
    ///
    /// # Errors
    /// A row to which one is to be added is missing, a name is another's; the connection fails.
    pub fn difference(
        &mut self,
        owner: (&str, &str),
        declared: &[Declared],
        deadline: Instant,
    ) -> Result<Difference, Error> {
        let scope = Scope { database: DATABASE, tables: &TABLES, owner, company: &[] };
        difference(&mut self.client, &scope, declared, deadline)
    }

    /// Makes all of a difference go away, in one transaction. Whether it was done: not where somebody
    /// changed meanwhile what it relies on. The number is for [`Northbound::await_northd`].
    ///
    /// # Errors
    /// The connection fails; nobody knows then whether it was done, and it can be done again.
    pub fn apply(
        &mut self,
        difference: &Difference,
        deadline: Instant,
    ) -> Result<Option<i64>, Error> {
        let mut all = difference.transaction();
        all.mutate(Global::TABLE, &[], "nb_cfg", "+=", 1);
        let global = all.select::<Global>(&[]);
        match self.client.transact(&all, deadline) {
            Ok(mut answers) => Ok(answers.rows(&global)?.pop().map(|row| row.nb_cfg)),
            Err(error) if error.timed_out_at().is_some() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until `ovn-northd` has told the chassis of change number `nb_cfg`.
    ///
    /// # Errors
    /// [`Error::NorthdBehind`] at the deadline; the connection fails.
    pub fn await_northd(&mut self, nb_cfg: i64, deadline: Instant) -> Result<(), Error> {
        let mut waiting = Transaction::new(DATABASE);
        let left: Duration = deadline.saturating_duration_since(Instant::now());
        let taken_up = [at_least("sb_cfg", nb_cfg)];
        waiting.wait_for_row(left, Global::TABLE, &taken_up, "sb_cfg");
        match self.client.transact(&waiting, deadline + ANSWER) {
            Err(error) if error.timed_out_at().is_some() => Err(Error::NorthdBehind),
            done => Ok(done.map(drop)?),
        }
    }
}
