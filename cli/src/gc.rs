//! `fastpath gc`: detach what belongs to namespaces that are gone, then GC of the plugins.

use std::path::PathBuf;

use clap::Args;
use cni::Error;
use cni::runtime::{Attachment, NetworkList};

use crate::host::Host;
use crate::output::{Collection, Report};

/// Collect what containers left over whose network namespace is gone
#[derive(Args)]
pub(crate) struct Gc {
    /// Networks to collect in: configurations or lists of them
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

impl Gc {
    pub(crate) fn run(self, host: &Host) -> Result<Report, Error> {
        let networks: Vec<_> =
            self.files.iter().map(|file| NetworkList::load_file(file)).collect::<Result<_, _>>()?;
        let collect = |network| {
            let (collected, outcome) = host.cache().gc(network, lives, &host.path);
            Collection { network: network.name.clone(), collected, error: outcome.err() }
        };
        Ok(Report::Collections(networks.iter().map(collect).collect()))
    }
}

/// Whether the attachment's namespace exists. In doubt it does.
fn lives(entry: &Attachment) -> bool {
    entry.netns.as_ref().is_none_or(|netns| netns.try_exists().unwrap_or(true))
}
