//! `withdraw`: nothing any more of what was made.

use anyhow::Result;

use super::file::External;
use super::plan::{elsewhere, say};
use super::site::{Goal, Site};

/// First the gateway, so that no traffic comes to an interface that is about to go. Of the file it needs the
/// name, and where the databases are.
pub(super) fn run(external: &External) -> Result<()> {
    let mut site = Site::connect(external, Goal::Withdrawn)?;
    let logical = site.settle_logical()?;
    let chassis = site.settle_chassis()?;
    if !chassis && !logical {
        say("nothing to change")?;
    }
    elsewhere(&site)?;
    site.check_answered()
}
