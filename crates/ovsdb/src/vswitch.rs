//! The database `Open_vSwitch`: what `ovs-vsctl` does beside the transaction.

mod add;
mod bridge;
mod chassis;
pub mod declared;
mod link;
mod remove;
mod rows;

use std::time::{Duration, Instant};

pub use add::{NewPort, PortKind, Rate, Vlans};
pub use bridge::uplink_name;
pub use chassis::Chassis;
pub use link::LinkReport;
pub use remove::{Removal, Unplugged, remove_ports_from, unplug_from};
pub use rows::{Bridge, Interface, LinkState, OpenVswitch, Port, Qos};

use crate::{Address, Answers, Client, Error, Row, Transaction, at_least, equals, includes};

pub(crate) const DATABASE: &str = "Open_vSwitch";

/// A wait of the server ends by itself; its answer then needs a moment to arrive.
const ANSWER: Duration = Duration::from_millis(500);

/// The database of a switch.
#[derive(Debug)]
pub struct Vswitch {
    client: Client,
}

/// What there is of a bridge and of a port that may be added to it.
#[derive(Debug, Clone)]
pub struct View {
    /// The switch as a whole.
    pub switch: OpenVswitch,
    /// The bridge, if there is one of that name.
    pub bridge: Option<Bridge>,
    /// The port, if there is one of that name, on whatever bridge.
    pub port: Option<Port>,
    /// The interface, if there is one of that name.
    pub interface: Option<Interface>,
}

impl View {
    /// Checks that ports of a kind can be added to the bridge, or that it can be made. An interface of the
    /// kernel does with any bridge.
    ///
    /// # Errors
    /// [`Error::NoDpdk`], [`Error::NoBridge`], [`Error::NotNetdev`].
    pub fn takes_ports(&self, bridge: &str, create: bool, kind: &PortKind) -> Result<(), Error> {
        let dpdk = *kind != PortKind::System;
        if dpdk && !self.switch.dpdk_initialized {
            return Err(Error::NoDpdk);
        }
        match &self.bridge {
            Some(bridge) if dpdk && bridge.datapath_type != "netdev" => Err(Error::NotNetdev {
                name: bridge.name.clone(),
                found: bridge.datapath_type.clone(),
            }),
            None if !create => Err(Error::NoBridge(bridge.to_owned())),
            _ => Ok(()),
        }
    }
}

impl Vswitch {
    /// Connects to the database.
    ///
    /// # Errors
    /// [`Error::Connect`].
    pub fn connect(address: &Address, deadline: Instant) -> Result<Self, Error> {
        Ok(Self { client: Client::connect(address, deadline)? })
    }

    /// Looks at a bridge and at a port.
    ///
    /// # Errors
    /// [`Error::NotInitialised`]; the connection fails.
    pub fn look(&mut self, bridge: &str, port: &str, deadline: Instant) -> Result<View, Error> {
        let mut all = Transaction::new(DATABASE);
        let switch = all.select::<OpenVswitch>(&[]);
        let bridges = all.select::<Bridge>(&[equals("name", bridge)]);
        let ports = all.select::<Port>(&[equals("name", port)]);
        let interfaces = all.select::<Interface>(&[equals("name", port)]);
        let mut answers = self.client.transact(&all, deadline)?;
        let switch = answers.rows(&switch)?.pop();
        Ok(View {
            switch: switch.ok_or_else(|| Error::NotInitialised(self.client.address().clone()))?,
            bridge: answers.rows(&bridges)?.pop(),
            port: answers.rows(&ports)?.pop(),
            interface: answers.rows(&interfaces)?.pop(),
        })
    }

    /// The switch as a whole and its bridges.
    ///
    /// # Errors
    /// [`Error::NotInitialised`]; the connection fails.
    pub fn overview(&mut self, deadline: Instant) -> Result<(OpenVswitch, Vec<Bridge>), Error> {
        let mut all = Transaction::new(DATABASE);
        let switch = all.select::<OpenVswitch>(&[]);
        let bridges = all.select::<Bridge>(&[]);
        let mut answers = self.client.transact(&all, deadline)?;
        let switch = answers.rows(&switch)?.pop();
        let switch = switch.ok_or_else(|| Error::NotInitialised(self.client.address().clone()))?;
        Ok((switch, answers.rows(&bridges)?))
    }

    /// The rows whose `external_ids` hold all of these.
    ///
    /// # Errors
    /// The connection fails.
    pub fn owned<R: Row>(
        &mut self,
        ids: &[(&str, &str)],
        deadline: Instant,
    ) -> Result<Vec<R>, Error> {
        let mut all = Transaction::new(DATABASE);
        let rows = all.select::<R>(&[includes("external_ids", crate::map(ids.iter().copied()))]);
        self.client.transact(&all, deadline)?.rows(&rows)
    }

    /// Waits until `ovs-vswitchd` has taken up change number `next_cfg`.
    ///
    /// # Errors
    /// [`Error::NotApplied`] at the deadline; the connection fails and cannot be made again.
    pub fn await_applied(&mut self, next_cfg: i64, deadline: Instant) -> Result<(), Error> {
        self.when_applied(next_cfg, deadline, |_| ()).map(drop)
    }

    /// Waits until `ovn-controller` has installed the flows of an interface (`ovn-installed`).
    ///
    /// # Errors
    /// [`Error::Operation`] at the deadline; the connection fails.
    pub fn await_installed(&mut self, name: &str, deadline: Instant) -> Result<(), Error> {
        let mut waiting = Transaction::new(DATABASE);
        let left = deadline.saturating_duration_since(Instant::now());
        let installed = includes("external_ids", crate::map([("ovn-installed", "true")]));
        waiting.wait_for_row(left, Interface::TABLE, &[equals("name", name), installed], "name");
        self.client.transact(&waiting, deadline + ANSWER).map(drop)
    }

    /// The answers to what `add` puts behind waiting for change number `next_cfg`. It may only read:
    /// a server that restarts meanwhile is asked again.
    fn when_applied<T>(
        &mut self,
        next_cfg: i64,
        deadline: Instant,
        add: impl Fn(&mut Transaction) -> T,
    ) -> Result<(T, Answers), Error> {
        let begin = Instant::now();
        let not_applied = || Error::NotApplied { seconds: begin.elapsed().as_secs() };
        loop {
            let mut waiting = Transaction::new(DATABASE);
            let left = deadline.saturating_duration_since(Instant::now());
            waiting.wait_for_row(
                left,
                OpenVswitch::TABLE,
                &[at_least("cur_cfg", next_cfg)],
                "cur_cfg",
            );
            let added = add(&mut waiting);
            match self.client.transact(&waiting, deadline + ANSWER) {
                Ok(answers) => return Ok((added, answers)),
                Err(error) if error.timed_out_at().is_some() => return Err(not_applied()),
                Err(Error::Late { .. }) => return Err(not_applied()),
                Err(error) if error.is_disconnect() => {
                    log::info!("{error}: connecting again");
                    self.client.reconnect(deadline)?;
                }
                Err(error) => return Err(error),
            }
        }
    }
}
