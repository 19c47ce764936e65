//! The pools of this node: which of its devices each has.

mod setup;
mod slots;

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use vf::{Function, PciAddr};

use crate::config::{Config, Kind, PoolSpec};

pub(crate) use setup::{admit, bridges, set_up};
pub(crate) use slots::home;

/// A pool and what is in it.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    /// What the operator wants.
    pub(crate) spec: PoolSpec,
    /// Its devices, by id. One that was in the pool stays in it, as unhealthy as it may be.
    pub(crate) members: BTreeMap<String, Member>,
}

/// A device of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    /// Its NUMA node.
    pub(crate) numa: Option<u32>,
    /// A VF; else a slot.
    pub(crate) vf: Option<PciAddr>,
    /// The VF's PF.
    pub(crate) pf: Option<PciAddr>,
}

impl Pool {
    /// The pools of a configuration, without devices.
    pub(crate) fn all(config: &Config) -> Vec<Self> {
        let empty = |spec: &PoolSpec| Self { spec: spec.clone(), members: BTreeMap::new() };
        config.pools.iter().map(empty).collect()
    }

    fn slots(&self) -> BTreeMap<String, Member> {
        let Kind::Slots(slots) = &self.spec.kind else { return BTreeMap::new() };
        let member = Member { numa: slots.numa, vf: None, pf: None };
        (0..slots.count).map(|n| (format!("{}-{n}", self.spec.name()), member.clone())).collect()
    }

    fn selects(&self, vf: &Function, pf: &Function) -> bool {
        let Kind::Vfs(vfs) = &self.spec.kind else { return false };
        vfs.selectors.iter().any(|selector| selector.selects(vf, pf))
    }
}

/// Adds to each pool what it selects of these functions and does not have yet.
///
/// # Errors
/// A VF is selected by two pools, unless the first one that selects it shall have it.
pub(crate) fn fill(pools: &mut [Pool], functions: &[Function], first_wins: bool) -> Result<()> {
    for pool in &mut *pools {
        let slots = pool.slots();
        pool.members.extend(slots);
    }
    for vf in functions {
        let Some(pf) = functions.iter().find(|pf| Some(pf.addr) == vf.pf) else { continue };
        let id = vf.addr.to_string();
        if pools.iter().any(|pool| pool.members.contains_key(&id)) {
            continue;
        }
        let mut selecting = pools.iter_mut().filter(|pool| pool.selects(vf, pf));
        let Some(pool) = selecting.next() else { continue };
        if let Some(other) = selecting.next()
            && !first_wins
        {
            bail!(
                "VF {} is selected by the pools of line {} and line {}; a device is in one pool",
                vf.addr,
                pool.spec.line,
                other.spec.line
            );
        }
        let member = Member { numa: vf.numa, vf: Some(vf.addr), pf: vf.pf };
        pool.members.insert(id, member);
    }
    Ok(())
}

#[cfg(test)]
#[path = "pools_tests.rs"]
mod tests;
