//! Interfaces of what is measured, made by the plugins that pods use.

use std::path::PathBuf;

use cni::AddResult;
use cni::runtime::{self, NetworkList, RuntimeCall};
use hostnet::Netns;
use serde_json::{Map, Value, json};

use super::path::{Keep, Missing};

/// Name of network and container.
const NAME: &str = "fastpath-measure";

/// The interfaces of one namespace; detached on drop, last first.
pub(super) struct Attachments {
    plugins: Vec<PathBuf>,
    netns: PathBuf,
    made: Vec<(NetworkList, RuntimeCall)>,
}

impl Keep for Attachments {}

impl Attachments {
    /// None yet; `plugins` are the directories of CNI plugins.
    pub(super) fn new(plugins: &[PathBuf], netns: &Netns) -> Self {
        let (plugins, netns) = (plugins.to_owned(), netns.path().to_owned());
        Self { plugins, netns, made: Vec::new() }
    }

    /// Attaches one by the plugin that `conf` names. `ifname` is that of no other interface measured.
    pub(super) fn add(&mut self, ifname: &str, mut conf: Value) -> Result<AddResult, Missing> {
        conf["cniVersion"] = json!("1.1.0");
        conf["name"] = json!(NAME);
        let list = NetworkList::load(conf.to_string().as_bytes())?;
        let call = RuntimeCall {
            container_id: NAME.parse()?,
            ifname: ifname.parse()?,
            netns: Some(self.netns.clone()),
            args: cni::Args::default(),
            capability_args: Map::new(),
            path: self.plugins.clone(),
        };
        runtime::find_plugins(&list, &call.path)?;
        // A killed measurement may have left it.
        runtime::del(&list, &call, None)?;
        let result = runtime::add(&list, &call)?;
        self.made.push((list, call));
        Ok(result)
    }
}

impl Drop for Attachments {
    fn drop(&mut self) {
        for (list, call) in self.made.iter().rev() {
            if let Err(error) = runtime::del(list, call, None) {
                log::error!("detach {}: {error}; measure again to try again", call.ifname);
            }
        }
    }
}
