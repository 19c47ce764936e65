//! The agent's configuration: one YAML file, read strictly. What is wrong is told with its line.

mod pool;
mod select;
mod sriovdp;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use ovsdb::Address;
use serde::Deserialize;

pub(crate) use pool::{BridgeSpec, Driver, Kind, PoolSpec, Prefer, SlotSpec, VfSpec};

/// Where the file is, if nothing else is said.
pub(crate) const FILE: &str = "/etc/fastpath/node-agent.yaml";

/// Domain of resources, labels and annotations.
pub(crate) const PREFIX: &str = "fastpath.dev";

/// What the operator wants of this node.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Config {
    /// Database of Open vSwitch.
    pub(crate) ovsdb: Address,
    /// The pools, in the order of the file.
    pub(crate) pools: Vec<PoolSpec>,
    /// A device that several pools select belongs to the first, instead of being a mistake.
    pub(crate) first_wins: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct File {
    ovsdb: Option<Address>,
    /// Configuration of the SR-IOV device plugin, whose pools come after those of this file.
    sriov_device_plugin: Option<PathBuf>,
    #[serde(default)]
    pools: Vec<serde_saphyr::Spanned<pool::Written>>,
}

/// A mistake, with the place where it is.
#[derive(Debug)]
pub(crate) struct At<'a> {
    pub(crate) file: &'a Path,
    pub(crate) line: u64,
}

impl std::fmt::Display for At<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, line {}", self.file.display(), self.line)
    }
}

impl Config {
    /// Reads the file and checks all that can be checked without looking at the node.
    pub(crate) fn read(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
        let mut config = Self::parse(&text, file)?;
        if let Some(theirs) = config.1 {
            let theirs = file.parent().unwrap_or(Path::new("/")).join(theirs);
            let json = fs::read(&theirs).with_context(|| format!("read {}", theirs.display()))?;
            config.0.pools.extend(
                sriovdp::pools(&json).with_context(|| format!("read {}", theirs.display()))?,
            );
            config.0.first_wins = true;
        }
        config.0.check_names()?;
        Ok(config.0)
    }

    fn parse(text: &str, file: &Path) -> Result<(Self, Option<PathBuf>)> {
        let File { ovsdb, sriov_device_plugin, pools } = serde_saphyr::from_str(text)
            .with_context(|| format!("{} is not understood", file.display()))?;
        let pool = |written: serde_saphyr::Spanned<pool::Written>| {
            let line = written.referenced.line();
            PoolSpec::of(written.value, line).with_context(|| At { file, line }.to_string())
        };
        let pools: Vec<PoolSpec> = pools.into_iter().map(pool).collect::<Result<_>>()?;
        check_overlaps(&pools, file)?;
        let ovsdb = ovsdb.map_or_else(default_ovsdb, Ok)?;
        Ok((Self { ovsdb, pools, first_wins: false }, sriov_device_plugin))
    }

    fn check_names(&self) -> Result<()> {
        for (at, pool) in self.pools.iter().enumerate() {
            if self.pools[..at].iter().any(|other| other.resource == pool.resource) {
                bail!("two pools are called {}: give one of them another name", pool.resource);
            }
        }
        Ok(())
    }
}

fn default_ovsdb() -> Result<Address> {
    "unix:/var/run/openvswitch/db.sock".parse().context("the default database")
}

/// Two pools that name VFs of one PF by its number.
fn check_overlaps(pools: &[PoolSpec], file: &Path) -> Result<()> {
    for (at, one) in pools.iter().enumerate() {
        for other in &pools[..at] {
            if let Some(what) = one.overlap(other) {
                let (one, other) = (At { file, line: one.line }, other.line);
                bail!(
                    "{one}: {what} belongs to the pool of line {other}, too; a device is in one pool"
                );
            }
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
