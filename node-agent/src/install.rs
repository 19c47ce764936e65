//! The plugins and their configuration into place on the host, and away again.
//!
//! A reader's way: here are the two commands; `wanted` is what an installation consists of, `multus_lite`
//! the part that makes multus-lite the node's network; `record` remembers what was placed, and is
//! written before it is; `file` is how a file is placed and taken away.
//!
//! Both commands can be killed at any instruction: either of them, run again, finishes the work.

mod file;
mod multus_lite;
mod record;
mod remove;
mod wanted;

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use hostnet::Host;

use multus_lite::ApiServer;
use record::{Record, Turn};
use wanted::Wanted;

pub(crate) use multus_lite::refresh_token;

/// Where kubelet mounts a pod's token and the certificate of the API server.
pub(crate) const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Put the CNI plugins, and with --multus-lite their configuration, into place
#[derive(Args)]
pub(crate) struct Install {
    /// Where the plugins are now
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// Where the container runtime looks for plugins
    #[arg(long, value_name = "DIR", default_value = "/opt/cni/bin", value_parser = absolute)]
    cni_bin_dir: PathBuf,
    /// Where the container runtime looks for networks
    #[arg(long, value_name = "DIR", default_value = "/etc/cni/net.d", value_parser = absolute)]
    cni_conf_dir: PathBuf,
    /// Make multus-lite the network of the node's pods, with the network that is there as its first one
    #[arg(long)]
    multus_lite: bool,
    /// Where multus-lite's token and the certificate of the API server are
    #[arg(
        long,
        value_name = "DIR",
        default_value = SERVICE_ACCOUNT
    )]
    service_account_dir: PathBuf,
    #[command(flatten)]
    api_server: ApiServer,
    #[command(flatten)]
    tree: HostRoot,
}

/// Take away what `install` has put into place
#[derive(Args)]
pub(crate) struct Uninstall {
    /// Also while pods are attached, which cannot be detached afterwards
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    tree: HostRoot,
}

/// Where the host's file system is.
#[derive(Args)]
struct HostRoot {
    /// Where the host's file system is mounted
    #[arg(long = "host-root", value_name = "DIR", default_value = "/")]
    root: PathBuf,
}

impl HostRoot {
    /// A path of the host, as it is reached from here.
    fn at(&self, on_host: &Path) -> PathBuf {
        self.root.join(on_host.strip_prefix("/").unwrap_or(on_host))
    }
}

impl Install {
    /// Nothing is changed before all of it is known to be possible.
    pub(crate) fn run(&self, host: &Host) -> Result<()> {
        let state = self.tree.at(&host.state);
        let mut wanted = Wanted::plugins(&self.from, &self.cni_bin_dir)?;
        if self.multus_lite {
            multus_lite::require_plugin(&self.from)?;
            wanted.configuration = multus_lite::files(self)?;
        }
        let turn = Turn::take(&state)?;
        let before = Record::load(&state)?;
        let after = wanted.checked(before.clone(), &self.tree)?;
        if after != before {
            after.save(&turn)?;
        }
        wanted.place(&self.tree)
    }
}

impl Uninstall {
    /// In the reverse order, so that the container runtime goes back to the node's own network first.
    pub(crate) fn run(&self, host: &Host) -> Result<()> {
        let state = self.tree.at(&host.state);
        if !state.exists() {
            log::info!("nothing is installed");
            return Ok(());
        }
        if !self.force {
            remove::refuse_while_attached(&state, &host.proc)?;
        }
        let turn = Turn::take(&state)?;
        remove::all(&Record::load(&state)?, &self.tree)?;
        turn.forget()
    }
}

fn absolute(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.is_absolute() { Ok(path) } else { Err("has to start with /".into()) }
}

#[cfg(test)]
#[path = "install_tests.rs"]
mod tests;
