//! Networks that are files of the node, with the plugins that lie beside them (CNI spec 1,
//! `loadOnlyInlinedPlugins`).

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::cache::failed;
use super::list::{NetworkList, PluginConf, decode, flag};
use crate::conf::{network_name, protocol_key};
use crate::json::Members;
use crate::{Error, code};

/// A network has some KB; one file or all of its plugins together may have this much.
const MAX_SIZE: u64 = 1 << 20;

const ONLY_INLINED: &str = "loadOnlyInlinedPlugins";

impl NetworkList {
    /// Reads a file with a list or a single configuration. To the plugins of a list those in
    /// `<directory of the file>/<name of the network>/*.conf` are added, in the order of the file
    /// names, unless it sets `loadOnlyInlinedPlugins`. [`NetworkList::raw`] holds all of them, so
    /// that what keeps it needs no file any more.
    ///
    /// # Errors
    /// As [`NetworkList::load`], for any of the files; code 5 when one cannot be read, 7 when one
    /// or the whole is larger than 1 MiB. The error names the file.
    pub fn load_file(path: &Path) -> Result<Self, Error> {
        let bytes = read(path)?;
        let inlined = inline(&bytes, path).map_err(|error| within(path, error))?;
        Self::load(inlined.as_deref().unwrap_or(&bytes)).map_err(|error| within(path, error))
    }
}

/// The list with the plugins beside it; none when there is none, and nothing to change.
fn inline(bytes: &[u8], path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let mut members: Members = decode(bytes)?;
    let inlined: Option<Vec<Value>> = protocol_key(&members, "plugins")?;
    let single = inlined.is_none() && members.get("type").is_some();
    if single || flag(&members, ONLY_INLINED)? {
        return Ok(None);
    }
    let files = plugin_files(&path.with_file_name(network_name(&members)?))?;
    if files.is_empty() {
        return Ok(None);
    }
    let mut plugins = inlined.unwrap_or_default();
    let mut size = bytes.len() as u64;
    for file in &files {
        let bytes = read(file)?;
        size += bytes.len() as u64;
        if size > MAX_SIZE {
            return Err(too_large(file, "the network with this file"));
        }
        plugins.push(plugin(&bytes).map_err(|error| within(file, error))?.into());
    }
    members.set("plugins", plugins.into());
    // Whoever reads the copy must not add them again.
    members.set(ONLY_INLINED, true.into());
    let encoded = serde_json::to_vec(&members).map(Some);
    encoded.map_err(|error| Error::new(code::DECODE, "encode the network", error.to_string()))
}

/// The plugins in a directory, in the order of their names; none when it does not exist.
fn plugin_files(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = match fs::read_dir(dir) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        other => other.map_err(|error| failed("read", dir, &error))?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| failed("read", dir, &error))?;
        let is_conf = entry.file_name().as_encoded_bytes().ends_with(b".conf");
        if is_conf && entry.path().is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// A plugin of a file of its own; checked here, so that the error names that file.
fn plugin(bytes: &[u8]) -> Result<Map<String, Value>, Error> {
    let object: Map<String, Value> = decode(bytes)?;
    PluginConf::new(object.clone())?;
    Ok(object)
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_SIZE + 1).read_to_end(&mut bytes))
        .map_err(|error| failed("read", path, &error))?;
    if bytes.len() as u64 > MAX_SIZE {
        return Err(too_large(path, "it"));
    }
    Ok(bytes)
}

fn too_large(path: &Path, what: &str) -> Error {
    let details = format!("{what} is larger than {MAX_SIZE} bytes");
    Error::new(code::CONFIG, format!("{} is too large", path.display()), details)
}

fn within(path: &Path, error: Error) -> Error {
    error.context(&format!("in {}", path.display()))
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
