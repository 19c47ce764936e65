//! The shape of a record.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::lock::fnv1a;

/// Version written into new records. Readers take this and older ones.
pub(crate) const VERSION: u32 = 1;

/// Who an attachment belongs to: the token that decides whether a DEL may touch a device.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Owner {
    /// `CNI_CONTAINERID`.
    pub container_id: String,
    /// `CNI_IFNAME`.
    pub ifname: String,
}

/// How far an attachment is, by its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// ADD has not done its last step.
    Adding,
    /// ADD has done all.
    Attached,
    /// DEL or GC has begun to take it back.
    Removing,
}

/// The line that DEL and GC append before they begin.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mark {
    Removing,
}

impl Owner {
    /// A number that stands for this owner where there is no room for its name: the same at every
    /// call with the same `salt`.
    #[must_use]
    pub fn digest(&self, salt: &str) -> u64 {
        fnv1a(&format!("{salt} {self}"))
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.container_id, self.ifname)
    }
}

/// One attachment: what was asked for and what is needed to take it back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Record<D> {
    #[serde(deserialize_with = "known_version")]
    version: u32,
    /// `/proc/sys/kernel/random/boot_id` when it was written: after a reboot the host's former state
    /// that `detail` holds is no longer anybody's.
    pub boot_id: String,
    /// Network name of the configuration; GC collects by it.
    pub network: String,
    /// Container and interface.
    #[serde(flatten)]
    pub owner: Owner,
    /// The attachment's last step was done.
    pub complete: bool,
    /// The raw network configuration of ADD.
    pub conf: String,
    /// The plugin's part: the host's former state.
    pub detail: D,
}

fn known_version<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let version = u32::deserialize(deserializer)?;
    if version > VERSION {
        return Err(serde::de::Error::custom(format!("version {version} is newer than {VERSION}")));
    }
    Ok(version)
}

impl<D> Record<D> {
    /// A record of an attachment that is about to be made.
    pub fn new(boot_id: &str, network: &str, owner: Owner, conf: String, detail: D) -> Self {
        Self {
            version: VERSION,
            boot_id: boot_id.to_owned(),
            network: network.to_owned(),
            owner,
            complete: false,
            conf,
            detail,
        }
    }
}
