//! A cached attachment and the file it is kept in (`cniCacheV1` of the Go library).

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::cache::failed;
use super::call::RuntimeCall;
use super::list::NetworkList;
use crate::{AddResult, Args, AttachmentId, ContainerId, Error, IfName, code};

const KIND: &str = "cniCacheV1";

/// A cached attachment: what ADD was called with and what came of it.
#[derive(Debug, Clone)]
pub struct Attachment {
    /// The network with the configuration as it was at ADD.
    pub list: NetworkList,
    /// The container.
    pub container_id: ContainerId,
    /// Name of the interface in it.
    pub ifname: IfName,
    /// Path of its network namespace.
    pub netns: Option<PathBuf>,
    /// `CNI_ARGS`.
    pub args: Args,
    /// Values for capabilities.
    pub capability_args: Map<String, Value>,
    /// The result of ADD.
    pub result: Option<AddResult>,
}

/// The file's content.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    kind: String,
    container_id: String,
    config: String,
    if_name: String,
    network_name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    netns: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    cni_args: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    capability_args: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    result: Option<Value>,
}

impl Attachment {
    /// What GC calls it.
    #[must_use]
    pub fn id(&self) -> AttachmentId {
        AttachmentId {
            container_id: self.container_id.to_string(),
            ifname: self.ifname.to_string(),
        }
    }

    pub(super) fn call(&self, path: &[PathBuf]) -> RuntimeCall {
        RuntimeCall {
            container_id: self.container_id.clone(),
            ifname: self.ifname.clone(),
            netns: self.netns.clone(),
            args: self.args.clone(),
            capability_args: self.capability_args.clone(),
            path: path.to_vec(),
        }
    }

    pub(super) fn file_name(&self) -> String {
        format!("{}-{}-{}", self.list.name, self.container_id, self.ifname)
    }

    pub(super) fn to_json(&self) -> Result<Value, Error> {
        let netns = self.netns.as_ref().map(|netns| netns.to_string_lossy().into_owned());
        let result = self.result.as_ref().map(|result| result.to_json(self.list.cni_version));
        let pairs = self.args.iter();
        let wire = Wire {
            kind: KIND.to_owned(),
            container_id: self.container_id.to_string(),
            config: BASE64.encode(self.list.raw()),
            if_name: self.ifname.to_string(),
            network_name: self.list.name.clone(),
            netns: netns.unwrap_or_default(),
            cni_args: pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
            capability_args: self.capability_args.clone(),
            result: result.transpose()?,
        };
        serde_json::to_value(wire)
            .map_err(|error| Error::new(code::DECODE, "encode the attachment", error.to_string()))
    }

    fn from_wire(wire: Wire) -> Result<Self, Error> {
        let config = BASE64.decode(&wire.config).map_err(|error| {
            Error::new(code::DECODE, "decode the cached configuration", error.to_string())
        })?;
        let list = NetworkList::load(&config)?;
        let pairs: Vec<_> =
            wire.cni_args.iter().map(|(key, value)| format!("{key}={value}")).collect();
        // Without its result an attachment can still be detached.
        let result = wire.result.as_ref();
        let result = result.map(|result| AddResult::from_json(result, list.cni_version));
        let result = result.transpose().unwrap_or_else(|error| {
            log::warn!("the result of {} {}: {error}", wire.container_id, wire.if_name);
            None
        });
        Ok(Self {
            container_id: wire.container_id.try_into()?,
            ifname: wire.if_name.try_into()?,
            netns: Some(wire.netns).filter(|netns| !netns.is_empty()).map(PathBuf::from),
            args: Args::parse(&pairs.join(";"))?,
            capability_args: wire.capability_args,
            result,
            list,
        })
    }
}

/// A cached attachment; none when the file is something else (a bare result of old runtimes).
pub(super) fn load(file: &Path) -> Result<Option<Attachment>, Error> {
    let bytes = match fs::read(file) {
        Ok(bytes) => bytes,
        // Gone since the directory was listed, or not a file.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::IsADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(failed("read", file, &error)),
    };
    let attachment = match serde_json::from_slice::<Wire>(&bytes) {
        Ok(wire) if wire.kind == KIND => Attachment::from_wire(wire).map_err(|e| e.to_string()),
        Ok(wire) => Err(format!("its kind is {:?}", wire.kind)),
        Err(error) => Err(error.to_string()),
    };
    attachment.map(Some).or_else(|reason| {
        log::debug!("{} is skipped: {reason}", file.display());
        Ok(None)
    })
}

/// The time of the file orders the attachments, so it is exact, not that of the kernel's last tick.
pub(super) fn write(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(file)?;
    file.write_all(bytes)?;
    file.set_modified(SystemTime::now())
}
