//! `fastpath detach`: DEL, newest attachment first, with the configuration each was attached with.

use std::time::Instant;

use clap::Args;
use cni::Error;
use cni::runtime::Attachment;

use crate::host::Host;
use crate::output::{Item, Report, State};
use crate::selection::Selection;

/// Detach a container: the named interfaces, or all that were attached under its id
#[derive(Args)]
pub(crate) struct Detach {
    #[command(flatten)]
    selection: Selection,
}

impl Detach {
    pub(crate) fn run(self, host: &Host) -> Result<Report, Error> {
        let entries = self.selection.entries(host)?;
        for ifname in self.selection.absent(&entries) {
            log::warn!("{ifname} of {} is not attached: nothing to do", self.selection.id);
        }
        Ok(Report::Items(detach_all(host, &entries)))
    }
}

/// Detaches all, newest first. A failure of one does not keep the others from it.
pub(crate) fn detach_all(host: &Host, entries: &[Attachment]) -> Vec<Item> {
    entries.iter().rev().map(|entry| detach(host, entry)).collect()
}

fn detach(host: &Host, entry: &Attachment) -> Item {
    let start = Instant::now();
    let state = match host.cache().del(entry, &host.path) {
        Ok(()) => State::Detached,
        Err(error) => State::Failed(error),
    };
    Item::new(&entry.ifname, &entry.list.name, start.elapsed(), state)
}
