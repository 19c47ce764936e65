//! What users write of the socket and its directory, parsed into typed values.

use std::path::{Component, PathBuf};

use attachment::{ConfError, invalid};
use hostnet::Mac;
use serde::Deserialize;

use crate::{Access, Account};

/// Where pods of userspace-cni mount their volume `shared-dir`.
pub const DEFAULT_MOUNT_PATH: &str = "/var/lib/cni/usrspcni";

/// As many queue pairs as OVS takes from a vhost-user port (`OVS_VHOST_MAX_QUEUE_NUM`).
const MAX_QUEUES: u16 = 1024;
/// Owner and group only: another pod must not get in.
const MAX_DIR_MODE: u32 = 0o770;

/// `socketDir`: whose the directory is.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct RawAccess {
    owner: Option<Account>,
    group: Option<Account>,
    mode: Option<String>,
    selinux_label: Option<String>,
}

impl RawAccess {
    /// The typed value; `group` is for when it names none.
    ///
    /// # Errors
    /// The mode is none, or lets others in.
    pub fn read(self, group: Option<Account>) -> Result<Access, ConfError> {
        let valid =
            |text: &str| u32::from_str_radix(text, 8).ok().filter(|mode| mode & !MAX_DIR_MODE == 0);
        let mode = match self.mode {
            None => MAX_DIR_MODE,
            Some(text) => valid(&text).ok_or_else(|| {
                invalid("socketDir.mode", text, "octal, for owner and group only: up to 0770")
            })?,
        };
        Ok(Access {
            owner: self.owner,
            group: self.group.or(group),
            mode,
            label: self.selinux_label,
        })
    }
}

/// A number of queue pairs; 1 if not given.
///
/// # Errors
/// It is out of range.
pub fn queues(value: Option<i64>) -> Result<u16, ConfError> {
    let value = value.unwrap_or(1);
    let queues = u16::try_from(value).ok().filter(|v| (1..=MAX_QUEUES).contains(v));
    queues.ok_or_else(|| invalid("queues", value, "1 to 1024 queue pairs"))
}

/// The MAC of a port.
///
/// # Errors
/// It is none that one interface can have.
pub fn unicast_mac(text: &str) -> Result<Mac, ConfError> {
    let mac: Option<Mac> = text.parse().ok();
    mac.filter(|m| m.is_unicast())
        .ok_or_else(|| invalid("mac", text, "a unicast MAC address such as 02:00:00:00:00:01"))
}

/// The name of a slot. It becomes the name of a directory and of a record.
///
/// # Errors
/// It is none.
pub fn slot(id: String) -> Result<String, ConfError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    let begins = id.starts_with(|c: char| c.is_ascii_alphanumeric());
    if begins && id.len() <= 32 && id.chars().all(plain) {
        return Ok(id);
    }
    Err(invalid("deviceID", id, "a slot of the node agent: up to 32 letters, digits, _ . and -"))
}

/// A path that can stand in `--vdev` and in a shell as it is.
///
/// # Errors
/// It cannot.
pub fn plain_path(key: &'static str, path: PathBuf) -> Result<PathBuf, ConfError> {
    let text = path.to_str().unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/_.-".contains(c);
    let climbs = path.components().any(|c| c == Component::ParentDir);
    if path.is_absolute() && text.chars().all(plain) && !climbs {
        return Ok(path);
    }
    let want = "an absolute path of letters, digits, / _ . and -, without ..";
    Err(invalid(key, path.display(), want))
}

/// The name of an interface, which becomes part of a path and of the application's arguments.
///
/// # Errors
/// [`Error::IfName`](crate::Error::IfName).
pub fn check_ifname(name: &str) -> Result<(), crate::Error> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if name.chars().all(plain) && !name.starts_with('.') {
        return Ok(());
    }
    Err(crate::Error::IfName(name.to_owned()))
}
