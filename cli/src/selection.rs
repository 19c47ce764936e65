//! Which cached attachments a command is about.

use std::path::PathBuf;

use clap::Args;
use cni::runtime::Attachment;
use cni::{ContainerId, Error, IfName};

use crate::host::{Host, netns_path};

/// Options that select attachments from the cache.
#[derive(Args)]
pub(crate) struct Selection {
    /// Id of the container, as given to attach
    #[arg(long, value_name = "ID")]
    pub(crate) id: ContainerId,
    /// Network namespace to use instead of the one it was attached in
    #[arg(long, value_name = "NAME|PATH")]
    netns: Option<PathBuf>,
    /// Interfaces; all of the container when none is named
    #[arg(value_name = "IFNAME")]
    pub(crate) ifnames: Vec<IfName>,
}

impl Selection {
    /// The selected attachments, oldest first.
    pub(crate) fn entries(&self, host: &Host) -> Result<Vec<Attachment>, Error> {
        let mut entries = host.cache().entries()?;
        let named = |ifname: &IfName| self.ifnames.is_empty() || self.ifnames.contains(ifname);
        entries.retain(|entry| entry.container_id == self.id && named(&entry.ifname));
        if let Some(netns) = &self.netns {
            let path = netns_path(netns);
            for entry in &mut entries {
                entry.netns = Some(path.clone());
            }
        }
        Ok(entries)
    }

    /// The named interfaces that are not among `entries`.
    pub(crate) fn absent<'a>(&'a self, entries: &[Attachment]) -> Vec<&'a IfName> {
        let there = |ifname: &IfName| entries.iter().any(|entry| entry.ifname == *ifname);
        self.ifnames.iter().filter(|ifname| !there(ifname)).collect()
    }
}
