//! The files (device-info-spec 4).

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use cni::{ContainerId, IfName, NetConf};
use serde_json::{Map, Value};

use super::DeviceInfo;
use crate::Error;

/// What is read of a file at most, in bytes.
pub const LIMIT: u64 = 64 * 1024;

/// So much of a network's name is in the name of a file, which has at most 255 bytes.
const NAME_SHOWN: usize = 64;

/// The file in which a device plugin describes its device `device_id` of `resource`:
/// `<root>/dp/<resource>-<device_id>-device.json`, with `-` in the place of `/`.
#[must_use]
pub fn dp_file(root: &Path, resource: &str, device_id: &str) -> PathBuf {
    let name = format!("{resource}-{device_id}-device.json");
    root.join("dp").join(name.replace('/', "-"))
}

/// The file of one attachment: `<root>/cni/<network>-<container>_<interface>-device.json`, with `-`
/// in the place of `/`. Container and interface make it unique, so a long name is shortened.
#[must_use]
pub fn cni_file(
    root: &Path,
    network: &str,
    container_id: &ContainerId,
    ifname: &IfName,
) -> PathBuf {
    let network: String = network.chars().take(NAME_SHOWN).collect();
    let name = format!("{network}-{container_id}_{ifname}-device.json");
    root.join("cni").join(name.replace('/', "-"))
}

/// Gives the attachment's file `cni` the contents of the device plugin's file `dp`, whole or not at
/// all, and makes its directory. Returns whether there was something to copy: a device plugin need
/// not describe its devices.
///
/// # Errors
/// [`Error::File`], [`Error::FileSize`].
pub fn copy_dp_to_cni(dp: &Path, cni: &Path) -> Result<bool, Error> {
    let Some(contents) = contents(dp)? else { return Ok(false) };
    replace(cni, &contents)?;
    Ok(true)
}

/// The file that the runtime wants the device of an attachment described in, if it wants one: the value
/// of the capability [`super::CAPABILITY`].
///
/// # Errors
/// Code 7: it is no absolute path, or climbs by `..`.
pub fn requested(conf: &NetConf) -> Result<Option<PathBuf>, cni::Error> {
    let named: Option<PathBuf> = conf.runtime_config(super::CAPABILITY)?;
    let climbs = |path: &PathBuf| path.components().any(|c| c == Component::ParentDir);
    match named.filter(|path| !path.as_os_str().is_empty()) {
        Some(path) if !path.is_absolute() || climbs(&path) => Err(cni::Error::new(
            cni::code::CONFIG,
            format!("runtimeConfig.{} is {}", super::CAPABILITY, path.display()),
            "the runtime has to pass an absolute path without ..",
        )),
        path => Ok(path),
    }
}

/// Describes the device of an attachment in its file, whole or not at all, and makes its directory.
///
/// # Errors
/// [`Error::File`].
pub fn write(path: &Path, info: &DeviceInfo) -> Result<(), Error> {
    let contents = serde_json::to_vec(info).map_err(|source| Error::DeviceInfo { source })?;
    replace(path, &contents)
}

/// What the file says, unchanged; none when there is no such file.
///
/// # Errors
/// [`Error::File`], [`Error::FileSize`], [`Error::FileJson`] when it is not a JSON object. Whether
/// that describes a device is for [`super::DeviceInfo::from_json`] to say.
pub fn read(path: &Path) -> Result<Option<Value>, Error> {
    let Some(contents) = contents(path)? else { return Ok(None) };
    let object: Map<String, Value> = serde_json::from_slice(&contents)
        .map_err(|source| Error::FileJson { path: path.to_owned(), source })?;
    Ok(Some(Value::Object(object)))
}

/// Removes the file, if it is there, and what a killed [`write()`] may have left of it.
///
/// # Errors
/// [`Error::File`].
pub fn remove(path: &Path) -> Result<(), Error> {
    unlink(&half_of(path))?;
    unlink(path)
}

fn unlink(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(failed("remove", path)(error)),
        _ => Ok(()),
    }
}

fn half_of(path: &Path) -> PathBuf {
    path.with_extension("tmp")
}

fn contents(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("open", path)(error)),
    };
    let mut contents = Vec::new();
    let length = file.take(LIMIT + 1).read_to_end(&mut contents).map_err(failed("read", path))?;
    if length as u64 > LIMIT {
        return Err(Error::FileSize { path: path.to_owned(), limit: LIMIT });
    }
    Ok(Some(contents))
}

/// Readers see the old file or the new one. What a killed call left half-written is replaced.
fn replace(path: &Path, contents: &[u8]) -> Result<(), Error> {
    if let Some(dir) = path.parent() {
        let made = DirBuilder::new().recursive(true).mode(0o755).create(dir);
        made.map_err(failed("create", dir))?;
    }
    let half = half_of(path);
    unlink(&half)?;
    let written = write_new(&half, contents).map_err(failed("write", &half));
    let renamed = written.and_then(|()| fs::rename(&half, path).map_err(failed("write", path)));
    renamed.inspect_err(|_| drop(fs::remove_file(&half)))
}

fn write_new(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o444).open(path)?;
    file.write_all(contents)?;
    // Whatever the umask of the caller is.
    file.set_permissions(Permissions::from_mode(0o444))
}

fn failed<'a>(operation: &'static str, path: &'a Path) -> impl Fn(io::Error) -> Error + 'a {
    move |source| Error::File { operation, path: path.to_owned(), source }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
