//! VFs: told, never touched. What a VF was before is known from its record only.

use std::collections::BTreeSet;

use vf::{Function, PciAddr, Sysfs, is_dpdk_driver};

use super::books::Kept;
use super::{Caretaker, Finding, Kind, Pass};

impl Caretaker {
    /// Tells of VFs that an attachment has lost, and of those that others have given away.
    pub(super) fn look_at_devices(&self, in_use: &[Kept<'_>], pass: &mut Pass) {
        let sysfs = Sysfs::new(&self.host.sys);
        for kept in in_use {
            let Some(vf) = kept.record.detail.vf.filter(|vf| !sysfs.exists(*vf)) else { continue };
            let found = format!("its VF {vf} does not exist any more");
            pass.leave(Finding::new(Kind::LostVf, kept.name(), found, "delete the pod"));
        }
        // Before and after, since others attach and detach meanwhile.
        let mut ours = self.recorded_vfs();
        let functions = match sysfs.functions() {
            Ok(functions) => functions,
            Err(error) => return log::warn!("{}", cni::chain(&error)),
        };
        ours.extend(self.recorded_vfs());
        for vf in functions.iter().filter(|one| is_away(one) && !ours.contains(&one.addr)) {
            let found = "it is in another network namespace, and there is no record of it";
            let action = "leave it to who gave it away";
            pass.leave(Finding::new(Kind::ForeignVf, format!("VF {}", vf.addr), found, action));
        }
    }

    /// The VFs that any record claims, read or not.
    fn recorded_vfs(&self) -> BTreeSet<PciAddr> {
        let entries = self.books.iter().flat_map(|book| book.journal.entries().unwrap_or_default());
        entries.filter_map(|entry| entry.claim?.parse().ok()).collect()
    }
}

/// A VF with a driver of the kernel, whose interface is nowhere to be seen.
fn is_away(function: &Function) -> bool {
    let kernel = function.driver.as_deref().is_some_and(|driver| !is_dpdk_driver(driver));
    function.pf.is_some() && kernel && function.links.is_empty()
}
