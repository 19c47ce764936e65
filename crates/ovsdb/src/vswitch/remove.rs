//! Removing ports by their owner: the difference between what is there and what should be, in one
//! transaction.

use std::time::{Duration, Instant};

use serde_json::json;

use super::add::CREATED;
use super::{Bridge, DATABASE, OpenVswitch, Port, Qos, Vswitch};
use crate::{Address, Error, Row, Transaction, equals, includes, map, set};

/// How often a removal is tried that others get in the way of.
const TRIES: usize = 5;

/// How long `ovs-vswitchd` is waited for when ports were removed: it may be down, and then it will find
/// them gone.
const APPLY_DEADLINE: Duration = Duration::from_secs(2);

/// Whose ports are removed: all rows whose `external_ids` hold all of these.
pub type Removal<'a> = Vec<(&'a str, &'a str)>;

/// What a removal found.
struct Found {
    ports: Vec<Port>,
    qos: Vec<Qos>,
    /// Bridges that were made here.
    created: Vec<Bridge>,
}

/// Ports that are gone from a database, but which `ovs-vswitchd` may have still.
#[must_use = "ovs-vswitchd is to let go of them, too"]
#[derive(Debug)]
pub struct Unplugged(Option<(Vswitch, i64)>);

/// Removes the ports of these owners from the switch with this database, and gives `ovs-vswitchd` a moment to
/// do so, too.
///
/// # Errors
/// As [`Vswitch::remove_ports`].
pub fn remove_ports_from(
    address: &Address,
    owners: &[Removal<'_>],
    deadline: Instant,
) -> Result<(), Error> {
    unplug_from(address, owners, deadline).map(Unplugged::wait)
}

/// The same, for who has something else to do before they wait.
///
/// # Errors
/// As [`Vswitch::remove_ports`].
pub fn unplug_from(
    address: &Address,
    owners: &[Removal<'_>],
    deadline: Instant,
) -> Result<Unplugged, Error> {
    if owners.is_empty() {
        return Ok(Unplugged(None));
    }
    let mut switch = Vswitch::connect(address, deadline)?;
    let change = switch.remove_ports(owners, deadline)?;
    Ok(Unplugged(change.map(|change| (switch, change))))
}

impl Unplugged {
    /// Gives `ovs-vswitchd` a moment to let go of them.
    pub fn wait(self) {
        let Some((mut switch, change)) = self.0 else { return };
        if let Err(error) = switch.await_applied(change, Instant::now() + APPLY_DEADLINE) {
            log::warn!("the ports are removed from the database: {error}");
        }
    }
}

impl Vswitch {
    /// Removes the ports of these owners, their limits, and the bridges that [`Vswitch::add_port`] made
    /// and that are empty then. The number of the change, for [`Vswitch::await_applied`]; none where
    /// there was nothing to remove.
    ///
    /// # Errors
    /// The connection fails; nobody knows then whether it was done, and it can be done again.
    pub fn remove_ports(
        &mut self,
        owners: &[Removal<'_>],
        deadline: Instant,
    ) -> Result<Option<i64>, Error> {
        for _ in 0..TRIES {
            let found = self.find(owners, deadline)?;
            if found.ports.is_empty() && found.qos.is_empty() {
                return Ok(None);
            }
            match self.remove(&found, deadline) {
                Ok(next_cfg) => return Ok(Some(next_cfg)),
                // Somebody used the bridge that was about to go.
                Err(error) if error.timed_out_at().is_some() => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::Contended("the bridge of the ports".to_owned()))
    }

    fn find(&mut self, owners: &[Removal<'_>], deadline: Instant) -> Result<Found, Error> {
        let mut all = Transaction::new(DATABASE);
        let rows: Vec<_> = owners
            .iter()
            .map(|owner| {
                let theirs = [includes("external_ids", map(owner.iter().copied()))];
                (all.select::<Port>(&theirs), all.select::<Qos>(&theirs))
            })
            .collect();
        let created = all.select::<Bridge>(&[includes("external_ids", map([CREATED]))]);
        let mut answers = self.client.transact(&all, deadline)?;
        let mut found = Found { ports: vec![], qos: vec![], created: answers.rows(&created)? };
        for (ports, qos) in rows {
            found.ports.extend(answers.rows(&ports)?);
            found.qos.extend(answers.rows(&qos)?);
        }
        Ok(found)
    }

    fn remove(&mut self, found: &Found, deadline: Instant) -> Result<i64, Error> {
        let mut all = Transaction::new(DATABASE);
        for bridge in found.created.iter().filter(|bridge| becomes_empty(bridge, found)) {
            let same = json!([{"ports": set(&bridge.ports.0)}]);
            all.expect(Bridge::TABLE, &[equals("_uuid", &bridge.uuid)], &["ports"], &same);
            all.mutate(OpenVswitch::TABLE, &[], "bridges", "delete", set([&bridge.uuid]));
        }
        for Port { uuid, .. } in &found.ports {
            all.mutate(Bridge::TABLE, &[includes("ports", uuid)], "ports", "delete", set([uuid]));
        }
        // Ports and interfaces go when nothing refers to them any more. These do not, and the server
        // looks for references to them before the ports are gone.
        for Qos { uuid } in &found.qos {
            all.mutate(Port::TABLE, &[includes("qos", uuid)], "qos", "delete", set([uuid]));
            all.delete(Qos::TABLE, &[equals("_uuid", uuid)]);
        }
        all.mutate(OpenVswitch::TABLE, &[], "next_cfg", "+=", 1);
        let switch = all.select::<OpenVswitch>(&[]);
        let names: Vec<_> = found.ports.iter().map(|port| port.name.as_str()).collect();
        all.comment(&format!("fastpath: remove {}", names.join(" ")));
        let switch = self.client.transact(&all, deadline)?.rows(&switch)?.pop();
        Ok(switch.map_or(0, |switch| switch.next_cfg))
    }
}

/// Whether only the bridge's own port would be left.
fn becomes_empty(bridge: &Bridge, found: &Found) -> bool {
    let removed = |uuid: &&crate::Uuid| found.ports.iter().any(|port| port.uuid == **uuid);
    let (removed, left): (Vec<_>, Vec<_>) = bridge.ports.0.iter().partition(|uuid| removed(uuid));
    !removed.is_empty() && left.len() <= 1
}
