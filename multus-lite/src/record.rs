//! What is kept of a pod's attachments: one record for all, written before the first is made.

use std::path::{Path, PathBuf};

use cni::runtime::{NetworkList, RuntimeCall};
use cni::{AddResult, Args, ContainerId, Error, IfName, Version};
use hostnet::NetnsId;
use journal::{Owner, Record};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A record of this program.
pub(crate) type PodRecord = Record<Detail>;

/// What ADD set out to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Detail {
    /// The sandbox.
    pub(crate) netns: NetnsId,
    /// Where plugins were searched.
    pub(crate) path: Vec<PathBuf>,
    /// In the order of ADD, the default network first.
    pub(crate) attachments: Vec<Attachment>,
}

/// One attachment of the pod: all that its plugins are called with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Attachment {
    /// What network-status calls the network: `namespace/name` of its definition, or its own name.
    pub(crate) name: String,
    /// The interface in the pod.
    pub(crate) ifname: IfName,
    /// The complete list of plugins, as they were called.
    pub(crate) conf: String,
    /// `CNI_ARGS`.
    pub(crate) args: String,
    /// Values for capabilities.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(crate) capability_args: Map<String, Value>,
    /// The device-info file of this attachment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) device_info: Option<PathBuf>,
}

/// What is appended to the record when ADD is done: the results, in the order of the attachments,
/// as version 1.1.0 writes them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Done {
    pub(crate) results: Vec<Value>,
}

impl Done {
    pub(crate) fn of<'a>(results: impl IntoIterator<Item = &'a AddResult>) -> Result<Self, Error> {
        let results = results.into_iter().map(|result| result.to_json(Version::LATEST));
        Ok(Self { results: results.collect::<Result<_, _>>()? })
    }

    /// The result of one attachment; none when it cannot be read.
    pub(crate) fn result(&self, index: usize) -> Option<AddResult> {
        AddResult::from_json(self.results.get(index)?, Version::LATEST).ok()
    }
}

impl Attachment {
    /// The list of plugins.
    pub(crate) fn list(&self) -> Result<NetworkList, Error> {
        NetworkList::load(self.conf.as_bytes())
    }

    /// The call for this attachment of a container.
    pub(crate) fn call(
        &self,
        owner: &Owner,
        netns: Option<&Path>,
        path: &[PathBuf],
    ) -> Result<RuntimeCall, Error> {
        Ok(RuntimeCall {
            container_id: ContainerId::try_from(owner.container_id.clone())?,
            ifname: self.ifname.clone(),
            netns: netns.map(Path::to_owned),
            args: Args::parse(&self.args)?,
            capability_args: self.capability_args.clone(),
            path: path.to_vec(),
        })
    }

    /// For messages.
    pub(crate) fn what(&self) -> String {
        format!("network {:?} ({})", self.name, self.ifname)
    }
}
