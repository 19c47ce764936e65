//! The database of Open vSwitch, watched by monitors (RFC 7047 4.1.5).

use std::collections::HashMap;
use std::thread::sleep;
use std::time::{Duration, Instant};

use ovsdb::vswitch::{Bridge, OpenVswitch};
use ovsdb::{Address, Client, Error, TableUpdates, Uuid};
use tokio::sync::mpsc::Sender;

use super::Change;
use crate::inventory::Switch;

const DATABASE: &str = "Open_vSwitch";
/// How long the database has for an answer.
const ANSWER: Duration = Duration::from_secs(5);
/// How soon it is tried again with one that is not there.
const RETRY: Duration = Duration::from_secs(1);
/// A sign of life is asked for when nothing was heard for so long.
const SILENCE: Duration = Duration::from_mins(1);

/// Reports the switch at first and after each change, until nobody listens.
pub(super) fn follow(address: &Address, changes: &Sender<Change>) {
    let mut told = None;
    while !changes.is_closed() {
        if let Err(error) = follow_one(address, changes, &mut told) {
            let why = cni::chain(&error);
            if told.as_ref() != Some(&Err(why.clone())) {
                told = Some(Err(why.clone()));
                changes.blocking_send(Change::Switch(Err(why))).ok();
            }
        }
        sleep(RETRY);
    }
}

/// As long as the connection lasts.
fn follow_one(
    address: &Address,
    changes: &Sender<Change>,
    told: &mut Option<Result<Switch, String>>,
) -> Result<(), Error> {
    let soon = || Instant::now() + ANSWER;
    let mut client = Client::connect(address, soon())?;
    let mut rows = Rows::default();
    rows.take(&client.monitor::<OpenVswitch>(DATABASE, soon())?)?;
    rows.take(&client.monitor::<Bridge>(DATABASE, soon())?)?;
    loop {
        if let Some(switch) = rows.switch()
            && told.as_ref() != Some(&Ok(switch.clone()))
        {
            *told = Some(Ok(switch.clone()));
            if changes.blocking_send(Change::Switch(Ok(switch))).is_err() {
                return Ok(());
            }
        }
        match client.next_update(Instant::now() + SILENCE)? {
            Some(update) => rows.take(&update)?,
            None => client.echo(soon())?,
        }
    }
}

/// What the monitors have told so far.
#[derive(Default)]
struct Rows {
    switch: Option<OpenVswitch>,
    bridges: HashMap<Uuid, Bridge>,
}

impl Rows {
    fn take(&mut self, update: &TableUpdates) -> Result<(), Error> {
        for (_, switch) in update.rows::<OpenVswitch>()? {
            self.switch = Some(switch);
        }
        for uuid in update.removed::<Bridge>() {
            self.bridges.remove(&uuid);
        }
        for (uuid, bridge) in update.rows::<Bridge>()? {
            self.bridges.insert(uuid, bridge);
        }
        Ok(())
    }

    fn switch(&self) -> Option<Switch> {
        Some(Switch::of(self.switch.clone()?, self.bridges.values().cloned().collect()))
    }
}
