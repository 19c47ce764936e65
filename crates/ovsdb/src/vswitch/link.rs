//! Watching a vhost-user link: some failures (no memory for buffers, a socket that cannot be used)
//! show nowhere else. The interface then has a port number and no error, and its link stays down.

use std::time::Instant;

use super::{DATABASE, Interface, LinkState, Vswitch};
use crate::{Error, TableUpdates};

/// The last that was seen of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkReport {
    /// Whether frames pass.
    pub up: bool,
    /// `connected`, `disconnected`, ...: what the driver says of the socket.
    pub socket: String,
}

impl LinkReport {
    /// Of an interface.
    #[must_use]
    pub fn of(interface: &Interface) -> Self {
        Self {
            up: interface.link_state.0 == Some(LinkState::Up),
            socket: interface.status.get("status").unwrap_or("unknown").to_owned(),
        }
    }

    /// An application is there and the link is down all the same: `ovs-vswitchd.log` says why.
    #[must_use]
    pub fn is_silent_failure(&self) -> bool {
        !self.up && self.socket == "connected"
    }
}

impl Vswitch {
    /// Watches the link of an interface until it is up or the deadline has come.
    ///
    /// # Errors
    /// [`Error::Interface`] when there is no such interface (any more); the connection fails.
    pub fn watch_link(&mut self, name: &str, deadline: Instant) -> Result<LinkReport, Error> {
        let first = self.client.monitor::<Interface>(DATABASE, deadline)?;
        let gone =
            || Error::Interface { interface: name.to_owned(), text: "there is none".to_owned() };
        let (row, mut last) = find(&first, name)?.ok_or_else(gone)?;
        while !last.up {
            let Some(update) = self.client.next_update(deadline)? else { break };
            if update.removed::<Interface>().contains(&row) {
                return Err(gone());
            }
            if let Some((_, report)) = find(&update, name)? {
                last = report;
            }
        }
        Ok(last)
    }
}

fn find(updates: &TableUpdates, name: &str) -> Result<Option<(crate::Uuid, LinkReport)>, Error> {
    let rows = updates.rows::<Interface>()?;
    let row = rows.into_iter().find(|(_, interface)| interface.name == name);
    Ok(row.map(|(uuid, interface)| (uuid, LinkReport::of(&interface))))
}
