//! Removing logical ports by their owner.

use std::time::Instant;

use serde_json::json;

use super::add::CREATED;
use super::{DATABASE, DhcpOptions, Error, LogicalSwitch, LogicalSwitchPort, Northbound, QosRule};
use crate::vswitch::Removal;
use crate::{Row, Transaction, Uuid, equals, includes, map, set};

/// What a removal found.
struct Found {
    ports: Vec<Uuid>,
    limits: Vec<Uuid>,
    dhcp: Vec<Uuid>,
    /// Switches that were made here.
    created: Vec<LogicalSwitch>,
}

impl Northbound {
    /// Removes the ports of these owners with their limits and DHCP options, and the switches that
    /// [`Northbound::add_port`] made and that are empty then. Whether there was anything.
    ///
    /// # Errors
    /// [`Error::Contended`]; the connection fails: nobody knows then whether it was done, and it can be
    /// done again.
    pub fn remove_ports(
        &mut self,
        owners: &[Removal<'_>],
        deadline: Instant,
    ) -> Result<bool, Error> {
        while Instant::now() < deadline {
            let found = self.find(owners, deadline)?;
            if found.ports.is_empty() && found.limits.is_empty() && found.dhcp.is_empty() {
                return Ok(false);
            }
            match self.client.transact(&found.removal(), deadline) {
                Ok(_) => return Ok(true),
                // Somebody used the switch that was about to go.
                Err(error) if error.timed_out_at().is_some() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::Contended("of the ports".to_owned()))
    }

    fn find(&mut self, owners: &[Removal<'_>], deadline: Instant) -> Result<Found, Error> {
        let mut all = Transaction::new(DATABASE);
        let rows: Vec<_> = owners
            .iter()
            .map(|owner| {
                let theirs = [includes("external_ids", map(owner.iter().copied()))];
                (
                    all.select::<LogicalSwitchPort>(&theirs),
                    all.select::<QosRule>(&theirs),
                    all.select::<DhcpOptions>(&theirs),
                )
            })
            .collect();
        let created = all.select::<LogicalSwitch>(&[includes("external_ids", map([CREATED]))]);
        let mut answers = self.client.transact(&all, deadline)?;
        let created = answers.rows(&created)?;
        let mut found = Found { ports: vec![], limits: vec![], dhcp: vec![], created };
        for (ports, limits, dhcp) in rows {
            found.ports.extend(answers.rows(&ports)?.into_iter().map(|row| row.uuid));
            found.limits.extend(answers.rows(&limits)?.into_iter().map(|row| row.uuid));
            found.dhcp.extend(answers.rows(&dhcp)?.into_iter().map(|row| row.uuid));
        }
        Ok(found)
    }
}

impl Found {
    fn removal(&self) -> Transaction {
        let mut all = Transaction::new(DATABASE);
        for switch in self.created.iter().filter(|switch| self.empties(switch)) {
            let is = [equals("_uuid", &switch.uuid)];
            let same = json!([{"ports": set(&switch.ports.0)}]);
            all.expect(LogicalSwitch::TABLE, &is, &["ports"], &same);
            all.delete(LogicalSwitch::TABLE, &is);
        }
        // Ports and limits go when nothing refers to them any more.
        for (column, rows) in [("ports", &self.ports), ("qos_rules", &self.limits)] {
            for uuid in rows {
                let holds = [includes(column, uuid)];
                all.mutate(LogicalSwitch::TABLE, &holds, column, "delete", set([uuid]));
            }
        }
        for uuid in &self.dhcp {
            let uses = [includes("dhcpv4_options", uuid)];
            all.mutate(LogicalSwitchPort::TABLE, &uses, "dhcpv4_options", "delete", set([uuid]));
            all.delete(DhcpOptions::TABLE, &[equals("_uuid", uuid)]);
        }
        all.comment("fastpath: remove ports");
        all
    }

    fn empties(&self, switch: &LogicalSwitch) -> bool {
        let ports = &switch.ports.0;
        !ports.is_empty() && ports.iter().all(|port| self.ports.contains(port))
    }
}
