//! The database `OVN_Northbound`: logical switches and their ports; columns are explained in ovn-nb(5).

mod add;
pub mod declared;
mod error;
mod remove;
mod router;
mod rows;

use std::time::{Duration, Instant};

use serde_json::json;

pub use add::{Addresses, Dhcp, Limits, NewLogicalPort, NewSwitch};
pub use error::Error;
pub use router::Router;
pub use rows::{
    DhcpOptions, LogicalRouterPort, LogicalSwitch, LogicalSwitchPort, QosRule, StaticRoute,
};

use crate::client::patiently;
use crate::{Address, Client, Identity, Row, Transaction, equals, includes, map, set};

const DATABASE: &str = "OVN_Northbound";

/// A wait of the server ends by itself; its answer then needs a moment to arrive.
const ANSWER: Duration = Duration::from_millis(500);

/// The database server that may be written to.
#[derive(Debug)]
pub struct Northbound {
    servers: Vec<Address>,
    identity: Identity,
    client: Client,
}

/// What there is of a logical switch and of a port that may be added to it.
#[derive(Debug, Clone)]
pub struct LogicalView {
    /// The switches of that name; names need not be unique.
    pub switches: Vec<LogicalSwitch>,
    /// The port of that name, on whatever switch.
    pub port: Option<LogicalSwitchPort>,
}

/// A row of the database `_Server` (ovsdb-server(5)): what a server is to a database.
#[derive(Debug, serde::Deserialize)]
struct Served {
    model: String,
    leader: bool,
    connected: bool,
}

impl Row for Served {
    const TABLE: &'static str = "Database";
    const COLUMNS: &'static [&'static str] = &["model", "leader", "connected"];
}

impl Northbound {
    /// Connects to the one of these servers that may be written to: the leader of a cluster, or a server
    /// without one.
    ///
    /// # Errors
    /// [`Error::NoLeader`]; that of the last server, when none answers.
    pub fn connect(
        servers: &[Address],
        identity: &Identity,
        deadline: Instant,
    ) -> Result<Self, Error> {
        let client = leader(servers, identity, deadline)?;
        Ok(Self { servers: servers.to_vec(), identity: identity.clone(), client })
    }

    /// Connects anew, to whichever server may be written to now, trying until the deadline: a server that
    /// restarts is back in a moment, and a cluster whose leader died elects another one.
    fn reconnect(&mut self, deadline: Instant) -> Result<(), Error> {
        self.client = patiently(deadline, || leader(&self.servers, &self.identity, deadline))?;
        Ok(())
    }

    /// Looks at a switch and at a port.
    ///
    /// # Errors
    /// The connection fails.
    pub fn look(
        &mut self,
        switch: &str,
        port: &str,
        deadline: Instant,
    ) -> Result<LogicalView, Error> {
        let mut all = Transaction::new(DATABASE);
        let switches = all.select::<LogicalSwitch>(&[equals("name", switch)]);
        let ports = all.select::<LogicalSwitchPort>(&[equals("name", port)]);
        let mut answers = self.client.transact(&all, deadline)?;
        Ok(LogicalView { switches: answers.rows(&switches)?, port: answers.rows(&ports)?.pop() })
    }

    /// The ports whose `external_ids` hold all of these.
    ///
    /// # Errors
    /// The connection fails.
    pub fn owned(
        &mut self,
        ids: &[(&str, &str)],
        deadline: Instant,
    ) -> Result<Vec<LogicalSwitchPort>, Error> {
        let mut all = Transaction::new(DATABASE);
        let theirs = [includes("external_ids", map(ids.iter().copied()))];
        let rows = all.select::<LogicalSwitchPort>(&theirs);
        Ok(self.client.transact(&all, deadline)?.rows(&rows)?)
    }

    /// Waits until `ovn-northd` has given a port its addresses, and returns them as they are written in
    /// `dynamic_addresses`.
    ///
    /// # Errors
    /// [`Error::NorthdLate`] at the deadline; the connection fails.
    pub fn await_addresses(&mut self, port: &str, deadline: Instant) -> Result<String, Error> {
        let none = json!([{"dynamic_addresses": set::<String>([])}]);
        let row = self.when(port, deadline, |waiting, left| {
            let is = [equals("name", port)];
            waiting.wait_while(left, LogicalSwitchPort::TABLE, &is, "dynamic_addresses", &none);
        });
        let late = || Error::NorthdLate { port: port.to_owned() };
        let row =
            row.map_err(|error| if error.timed_out_at().is_some() { late() } else { error })?;
        row.dynamic_addresses.0.ok_or_else(late)
    }

    /// Lets a port that may send from `mac` alone send from these addresses only, `MAC IP...`. May be
    /// repeated.
    ///
    /// # Errors
    /// The connection fails.
    pub fn pin_addresses(
        &mut self,
        port: &str,
        mac: &str,
        addresses: &str,
        deadline: Instant,
    ) -> Result<(), Error> {
        self.when(port, deadline, |pinning, _| {
            let is = [equals("name", port)];
            let mut change = |mutator, element| {
                let column = "port_security";
                pinning.mutate(LogicalSwitchPort::TABLE, &is, column, mutator, set([element]));
            };
            change("delete", mac);
            change("insert", addresses);
        })
        .map(drop)
    }

    /// Waits until a chassis has bound a port: its interface works there (`up`).
    ///
    /// # Errors
    /// [`Error::NotBound`] at the deadline; the connection fails.
    pub fn await_up(&mut self, port: &str, deadline: Instant) -> Result<(), Error> {
        let row = self.when(port, deadline, |waiting, left| {
            let is = [equals("name", port), equals("up", true)];
            waiting.wait_for_row(left, LogicalSwitchPort::TABLE, &is, "name");
        });
        row.map(drop).map_err(|error| match error.timed_out_at() {
            Some(_) => Error::NotBound { port: port.to_owned() },
            None => error,
        })
    }

    /// The port's row once what `wait` adds has come true, or is done.
    fn when(
        &mut self,
        port: &str,
        deadline: Instant,
        wait: impl Fn(&mut Transaction, Duration),
    ) -> Result<LogicalSwitchPort, Error> {
        loop {
            let mut waiting = Transaction::new(DATABASE);
            wait(&mut waiting, deadline.saturating_duration_since(Instant::now()));
            let row = waiting.select::<LogicalSwitchPort>(&[equals("name", port)]);
            match self.client.transact(&waiting, deadline + ANSWER) {
                Ok(mut answers) => {
                    let missing = || Error::NoLogicalPort { port: port.to_owned() };
                    return answers.rows(&row)?.pop().ok_or_else(missing);
                }
                Err(error @ crate::Error::Late { .. }) => return Err(error.into()),
                Err(error) if error.is_disconnect() => {
                    log::info!("{error}: connecting again");
                    self.reconnect(deadline)?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// A connection to the one of these servers that may be written to.
fn leader(servers: &[Address], identity: &Identity, deadline: Instant) -> Result<Client, Error> {
    let mut failed = None;
    for address in servers {
        match Client::connect_as(identity, address, deadline) {
            Ok(mut client) => match leads(&mut client, deadline) {
                Ok(true) => return Ok(client),
                Ok(false) => log::debug!("{address} is no leader"),
                Err(error) => failed = Some(error),
            },
            Err(error) => failed = Some(error.into()),
        }
    }
    Err(failed.unwrap_or(Error::NoLeader))
}

/// Whether the server may be written to.
fn leads(client: &mut Client, deadline: Instant) -> Result<bool, Error> {
    let mut all = Transaction::new("_Server");
    let served = all.select::<Served>(&[equals("name", DATABASE)]);
    let served = client.transact(&all, deadline)?.rows(&served)?.pop();
    let served = served.ok_or_else(|| Error::NoDatabase {
        address: client.address().clone(),
        database: DATABASE,
    })?;
    Ok(served.model == "standalone" || (served.leader && served.connected))
}
