//! `fastpath check`: CHECK, with the configuration and result of the attachment.

use std::time::Instant;

use clap::Args;
use cni::runtime::Attachment;
use cni::{Error, code};

use crate::host::Host;
use crate::output::{Item, Report, State};
use crate::selection::Selection;

/// Check that a container's interfaces are as they were attached
#[derive(Args)]
pub(crate) struct Check {
    #[command(flatten)]
    selection: Selection,
}

impl Check {
    pub(crate) fn run(self, host: &Host) -> Result<Report, Error> {
        let entries = self.selection.entries(host)?;
        let absent: Vec<_> =
            self.selection.absent(&entries).iter().map(ToString::to_string).collect();
        if entries.is_empty() || !absent.is_empty() {
            let id = &self.selection.id;
            let msg = match absent.as_slice() {
                [] => format!("nothing of {id} is attached"),
                some => format!("not attached to {id}: {}", some.join(", ")),
            };
            let hint = "the cache does not know it; is --cache-dir the one given to attach?";
            return Err(Error::new(code::UNKNOWN_CONTAINER, msg, hint));
        }
        Ok(Report::Items(entries.iter().map(|entry| check(host, entry)).collect()))
    }
}

fn check(host: &Host, entry: &Attachment) -> Item {
    let start = Instant::now();
    let state = match host.cache().check(entry, &host.path) {
        Ok(()) => State::Sound,
        Err(error) => State::Failed(error),
    };
    Item::new(&entry.ifname, &entry.list.name, start.elapsed(), state)
}
