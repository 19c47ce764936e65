//! Network configurations that are files of the node: what `clusterNetwork` names, and definitions
//! without a configuration of their own.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use cni::runtime::NetworkList;

use crate::conf::Conf;
use crate::error::MultusError;

/// Lists come before single configurations (multi-net-spec 3.4.1).
const EXTENSIONS: [&[&str]; 2] = [&["conflist"], &["conf", "json"]];

/// Types of meta-plugins like this one: never their own delegates.
pub(crate) const META_PLUGINS: [&str; 3] = ["multus", "multus-lite", "multus-shim"];

/// The network called `name` in `confDir`.
///
/// # Errors
/// The directory cannot be read; no file has a network of that name.
pub(crate) fn named(conf: &Conf, name: &str) -> Result<NetworkList, MultusError> {
    let mut names = Vec::new();
    for file in files(&conf.conf_dir)? {
        match NetworkList::load_file(&file) {
            Ok(list) if list.name == name => return Ok(list),
            Ok(list) => names.push(list.name),
            // A broken neighbour is no reason to miss the right one.
            Err(error) => log::warn!("{} is skipped: {error}", file.display()),
        }
    }
    Err(MultusError::NotOnDisk { name: name.to_owned(), dir: conf.conf_dir.clone(), names })
}

/// What `clusterNetwork` names, where it is not a definition: a file, the first network of a
/// directory, or else a network of `confDir`.
///
/// # Errors
/// There is none.
pub(crate) fn cluster(conf: &Conf, text: &str) -> Result<NetworkList, MultusError> {
    if !is_path(text) {
        return named(conf, text);
    }
    let path = Path::new(text);
    if !path.is_dir() {
        return NetworkList::load_file(path).map_err(MultusError::Delegate);
    }
    for file in files(path)? {
        match NetworkList::load_file(&file) {
            // The directory may well be the one this program is configured in.
            Ok(list) if is_meta(&list) => {}
            Ok(list) => return Ok(list),
            Err(error) => log::warn!("{} is skipped: {error}", file.display()),
        }
    }
    let name = "any network".to_owned();
    Err(MultusError::NotOnDisk { name, dir: path.to_owned(), names: Vec::new() })
}

/// Whether a network is named by its place on disk: that needs no API server.
pub(crate) fn is_path(text: &str) -> bool {
    text.contains('/')
}

/// Whether a plugin of the list is a meta-plugin like this one.
pub(crate) fn is_meta(list: &NetworkList) -> bool {
    list.plugins.iter().any(|plugin| META_PLUGINS.contains(&plugin.plugin_type.as_str()))
}

/// The configuration files of a directory: lists, then single ones, each in the order of their names.
fn files(dir: &Path) -> Result<Vec<PathBuf>, MultusError> {
    let failed = |source| MultusError::ReadDir { dir: dir.to_owned(), source };
    let listing = match fs::read_dir(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        listing => listing.map_err(failed)?,
    };
    let mut all = Vec::new();
    for file in listing {
        all.push(file.map_err(failed)?.path());
    }
    all.sort();
    let of = |extensions: &[&str]| {
        let wanted = |path: &&PathBuf| {
            let extension = path.extension().and_then(|e| e.to_str());
            extension.is_some_and(|e| extensions.contains(&e))
        };
        all.iter().filter(wanted).cloned().collect::<Vec<_>>()
    };
    Ok(EXTENSIONS.iter().flat_map(|extensions| of(extensions)).collect())
}

#[cfg(test)]
#[path = "on_disk_tests.rs"]
mod tests;
