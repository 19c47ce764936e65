//! `expose`: everything as the file says.

use anyhow::Result;

use super::file::External;
use super::plan::{elsewhere, say};
use super::site::{Goal, Site};

/// First the chassis, so that a gateway has its interface before it has traffic. What cannot be made is
/// found before anything is changed.
pub(super) fn run(external: &External) -> Result<()> {
    let mut site = Site::connect(external, Goal::Exposed)?;
    site.differences()?;
    let chassis = site.settle_chassis()?;
    let logical = site.settle_logical()?;
    if !chassis && !logical {
        say("nothing to change")?;
    }
    elsewhere(&site)?;
    site.check_interfaces()
}
