//! Bridges and their ports as they should be.

use std::time::Instant;

use super::{DATABASE, OpenVswitch, Port, Vswitch};
use crate::declared::{Declared, Difference, Error, Scope, Table, difference};
use crate::{Row, Transaction, Uuid};

/// Bridges.
pub const BRIDGE: Table = Table {
    name: "Bridge",
    parent: Some(("Open_vSwitch", "bridges")),
    key: &["name"],
    children: &["ports"],
};

/// Ports of bridges.
pub const PORT: Table =
    Table { name: "Port", parent: Some(("Bridge", "ports")), key: &["name"], children: &[] };

/// Interfaces of ports.
pub const INTERFACE: Table = Table {
    name: "Interface",
    parent: Some(("Port", "interfaces")),
    key: &["name"],
    children: &[],
};

/// `external_ids` of the ports that `ovn-controller` adds to bridges.
const OVNS: &str = "ovn-localnet-port";

const TABLES: [&Table; 3] = [&BRIDGE, &PORT, &INTERFACE];

impl Vswitch {
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
        let mut all = Transaction::new(DATABASE);
        let ports = all.select::<Port>(&[]);
        let ports: Vec<Port> = self.client.transact(&all, deadline)?.rows(&ports)?;
        // By these ovn-controller joins the bridge to its own, and it will take them away again.
        let ovns = ports.into_iter().filter(|port| port.external_ids.get(OVNS).is_some());
        let ovns: Vec<Uuid> = ovns.map(|port| port.uuid).collect();
        let scope = Scope { database: DATABASE, tables: &TABLES, owner, company: &ovns };
        difference(&mut self.client, &scope, declared, deadline)
    }

    /// Makes all of a difference go away, in one transaction. The number of the change, for
    /// [`Vswitch::await_applied`]; none where somebody changed meanwhile what it relies on.
    ///
    /// # Errors
    /// The connection fails; nobody knows then whether it was done, and it can be done again.
    pub fn apply(
        &mut self,
        difference: &Difference,
        deadline: Instant,
    ) -> Result<Option<i64>, Error> {
        let mut all = difference.transaction();
        all.mutate(OpenVswitch::TABLE, &[], "next_cfg", "+=", 1);
        let switch = all.select::<OpenVswitch>(&[]);
        match self.client.transact(&all, deadline) {
            Ok(mut answers) => Ok(answers.rows(&switch)?.pop().map(|switch| switch.next_cfg)),
            Err(error) if error.timed_out_at().is_some() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
