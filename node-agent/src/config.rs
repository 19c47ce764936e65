//! The agent's configuration: one YAML file, read strictly. What is wrong is told with its line.

mod pool;
mod select;
mod sriovdp;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use apiserver::Access;
use hostnet::Host;
use ovsdb::Address;
use serde::Deserialize;
use serde_saphyr::Spanned;

use crate::report::{self, Target};

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
    /// Where metrics and health are told.
    pub(crate) listen: SocketAddr,
    /// Where the node is reported.
    report: ReportTo,
    /// How the API server is reached; none is by the pod's service account.
    kubeconfig: Option<PathBuf>,
    /// Containers get device nodes by the Container Device Interface.
    pub(crate) cdi: bool,
    /// Where the plugins are that repair calls.
    pub(crate) cni_bin_dir: PathBuf,
    /// The pools, in the order of the file.
    pub(crate) pools: Vec<PoolSpec>,
    /// A device that several pools select belongs to the first, instead of being a mistake.
    pub(crate) first_wins: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct File {
    ovsdb: Option<Address>,
    #[serde(default = "default_listen")]
    listen: SocketAddr,
    #[serde(default)]
    report: ReportTo,
    kubeconfig: Option<PathBuf>,
    #[serde(default)]
    cdi: bool,
    #[serde(default = "default_cni_bin_dir")]
    cni_bin_dir: PathBuf,
    /// Configuration of the SR-IOV device plugin, whose pools come after those of this file.
    sriov_device_plugin: Option<PathBuf>,
    #[serde(default)]
    pools: Vec<Spanned<pool::Written>>,
}

/// Where the node is reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ReportTo {
    /// On its Node object.
    #[default]
    Api,
    /// In a file for Node Feature Discovery.
    Nfd,
    /// Nowhere.
    None,
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
        let written: File = serde_saphyr::from_str(text)
            .with_context(|| format!("{} is not understood", file.display()))?;
        let pool = |written: Spanned<pool::Written>| {
            let line = written.referenced.line();
            PoolSpec::of(written.value, line).with_context(|| At { file, line }.to_string())
        };
        let pools: Vec<PoolSpec> = written.pools.into_iter().map(pool).collect::<Result<_>>()?;
        check_overlaps(&pools, file)?;
        let config = Self {
            ovsdb: written.ovsdb.map_or_else(default_ovsdb, Ok)?,
            listen: written.listen,
            report: written.report,
            kubeconfig: written.kubeconfig,
            cdi: written.cdi,
            cni_bin_dir: written.cni_bin_dir,
            pools,
            first_wins: false,
        };
        Ok((config, written.sriov_device_plugin))
    }

    /// Where the node of this name is reported, if anywhere.
    ///
    /// # Errors
    /// Labels without a domain cannot go by NFD.
    pub(crate) fn report(
        &self,
        host: &Host,
        node: String,
        legacy_labels: bool,
    ) -> Result<Option<report::Config>> {
        let target = match self.report {
            ReportTo::None => return Ok(None),
            ReportTo::Nfd if legacy_labels => {
                bail!("--legacy-labels needs report: api, since NFD labels have a domain")
            }
            ReportTo::Nfd => Target::nfd(host),
            ReportTo::Api => {
                let access = self.kubeconfig.clone().map_or(Access::InCluster, Access::Kubeconfig);
                Target::Api { access, legacy_labels }
            }
        };
        Ok(Some(report::Config { node, measured: report::measured(host), target }))
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

/// Of this node only: metrics tell what it has.
fn default_listen() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 9464).into()
}

fn default_cni_bin_dir() -> PathBuf {
    "/opt/cni/bin".into()
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
