//! Pods that Multus attached before it was replaced: their delegates are in its cache,
//! `<cniDir>/<container id>`, a JSON array in the order of ADD.

use std::fs;
use std::io::{ErrorKind, Read};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use cni::IfName;
use serde::Deserialize;

use crate::conf::Conf;
use crate::detach::{Container, detach as detach_all};
use crate::error::MultusError;
use crate::record::Attachment;

/// Larger than any real one: a delegate's configuration is some kilobytes.
const MAX_BYTES: u64 = 4 << 20;

/// A delegate as Multus writes it, as far as DEL needs it.
#[derive(Deserialize)]
struct Cached {
    /// The configuration or list, in base64.
    #[serde(rename = "Bytes")]
    bytes: String,
    #[serde(default, rename = "ifnameRequest")]
    ifname: Option<String>,
    #[serde(default, rename = "Name")]
    name: Option<String>,
}

/// Detaches what Multus attached to this container; false when its cache knows nothing of it.
///
/// # Errors
/// A delegate's DEL fails (the cache stays), or the cache is damaged (it is set aside).
pub(crate) fn detach(conf: &Conf, container: &Container<'_>) -> Result<bool, MultusError> {
    let file = conf.cni_dir.join(&container.owner.container_id);
    let bytes = match read(&file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        bytes => bytes.map_err(|source| MultusError::ReadFile { file: file.clone(), source })?,
    };
    let remove = || {
        fs::remove_file(&file)
            .map_err(|source| MultusError::ReadFile { file: file.clone(), source })
    };
    let attachments = match attachments(&bytes, &container.owner.ifname) {
        Ok(attachments) => attachments,
        Err(reason) => {
            remove()?;
            return Err(MultusError::CacheLost { file, reason });
        }
    };
    log::info!("{} was attached by Multus", container.owner);
    detach_all(container, &attachments, None)?;
    remove()?;
    Ok(true)
}

fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(file)?.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The first has the runtime's interface, the others `net1` and so on unless they name their own.
pub(crate) fn attachments(bytes: &[u8], ifname: &str) -> Result<Vec<Attachment>, String> {
    let cached: Vec<Cached> = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    let attachment = |(index, cached): (usize, Cached)| -> Result<Attachment, String> {
        let named = cached.ifname.filter(|name| !name.is_empty());
        let ifname = match (index, named) {
            (0, _) => ifname.to_owned(),
            (_, Some(name)) => name,
            (index, None) => format!("net{index}"),
        };
        let conf = BASE64.decode(cached.bytes).map_err(|e| e.to_string())?;
        Ok(Attachment {
            name: cached.name.unwrap_or_default(),
            ifname: IfName::try_from(ifname).map_err(|e| e.to_string())?,
            conf: String::from_utf8(conf).map_err(|e| e.to_string())?,
            args: "IgnoreUnknown=true".to_owned(),
            capability_args: serde_json::Map::new(),
            device_info: None,
        })
    };
    cached.into_iter().enumerate().map(attachment).collect()
}
