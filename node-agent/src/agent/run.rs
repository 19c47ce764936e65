//! `node-agent run`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use hostnet::Host;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::{self, Config};
use crate::inventory::Machine;

/// Run as long as the node does: hand out devices, report, repair
#[derive(Args)]
pub(crate) struct Run {
    /// What is wanted of this node
    #[arg(long, value_name = "FILE", default_value = config::FILE)]
    config: PathBuf,
    /// Name of the Node object; the host name, unless given
    #[arg(long, env = "NODE_NAME")]
    node: Option<String>,
    /// Also the labels dpdk and ovs-dpdk
    #[arg(long)]
    legacy_labels: bool,
}

impl Run {
    pub(crate) fn run(self, host: &Host) -> Result<()> {
        let config = Config::read(&self.config)?;
        // As kubelet names its node.
        let hostname = || Machine::read(&host.sys, &host.proc).hostname.to_lowercase();
        let node = self.node.unwrap_or_else(hostname);
        let report = config.report(host, node, self.legacy_labels)?;
        // One thread for all: what is asked of the agent is answered in a moment.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("start an event loop")?;
        let done = runtime.block_on(async {
            let end = [SignalKind::terminate(), SignalKind::interrupt()].map(signal);
            let [terminate, interrupt] = end.map(|signal| signal.context("listen for signals"));
            let (mut terminate, mut interrupt): (Signal, Signal) = (terminate?, interrupt?);
            tokio::select! {
                done = super::serve(config, host.clone(), report) => done,
                _ = terminate.recv() => Ok(()),
                _ = interrupt.recv() => Ok(()),
            }
        });
        // Plugins' sockets go with their tasks; a thread that waits for the switch is not waited for.
        runtime.shutdown_background();
        done
    }
}
