//! `node-agent report`: the report seen and written by hand.

use std::path::PathBuf;

use anyhow::{Context, Result};
use apiserver::Access;
use clap::Args;
use hostnet::Host;
use jiff::Timestamp;
use ovsdb::Address;
use serde_json::json;

use super::{Config, Content, Facts, Target, measured, read_measured};
use crate::inventory::Inventory;

/// Print what the cluster is told of this node
#[derive(Args)]
pub(crate) struct Print {
    /// Tell it on the Node object, once, as fields of the node agent
    #[arg(long, conflicts_with = "remove")]
    once: bool,
    /// Take it back from the Node object
    #[arg(long)]
    remove: bool,
    /// Name of the Node object; the host name, unless given
    #[arg(long)]
    node: Option<String>,
    /// How to reach the API server; by the service account of the pod, unless given
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Also the labels dpdk and ovs-dpdk
    #[arg(long)]
    legacy_labels: bool,
    /// Database of Open vSwitch
    #[arg(long, value_name = "ADDRESS", default_value = "unix:/var/run/openvswitch/db.sock")]
    ovsdb: Address,
}

impl Print {
    #[expect(clippy::print_stdout, reason = "this is what the command is for")]
    pub(crate) fn run(self, host: &Host) -> Result<()> {
        let inventory = Inventory::read(host, &self.ovsdb)?;
        // As kubelet names its node.
        let node = self.node.unwrap_or_else(|| inventory.machine.hostname.to_lowercase());
        let access = self.kubeconfig.map_or(Access::InCluster, Access::Kubeconfig);
        let target = Target::Api { access, legacy_labels: self.legacy_labels };
        let config = Config { node, measured: measured(host), target };
        if self.remove {
            return config.remove();
        }
        let measured = read_measured(&config.measured)?;
        let content = Content::of(&Facts::of(&inventory), measured.as_ref(), self.legacy_labels);
        if self.once {
            config.write(&content, Timestamp::now())?;
        }
        let told = json!({"node": config.node, "labels": content.labels, "report": content.report});
        println!("{}", serde_json::to_string_pretty(&told).context("as JSON")?);
        Ok(())
    }
}
