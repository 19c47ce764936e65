//! The network configuration a plugin receives on stdin (CNI spec 1 and 2).

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::env::is_identifier;
use crate::json::{Members, member};
use crate::{AddResult, Dns, Error, Version, code};

/// Top-level keys that belong to the protocol, not to the plugin; and everything in `cni.dev/`.
const RESERVED: [&str; 13] = [
    "cniVersion",
    "cniVersions",
    "name",
    "type",
    "ipam",
    "dns",
    "args",
    "capabilities",
    "runtimeConfig",
    "prevResult",
    "disableCheck",
    "disableGC",
    "ipMasq",
];

/// Where GC finds the attachments that still exist; the second is the name of early 1.1.0 drafts.
const VALID_ATTACHMENTS: [&str; 2] = ["cni.dev/valid-attachments", "cni.dev/attachments"];

/// A plugin's network configuration: the keys of the protocol as typed values, the plugin's own
/// through [`NetConf::plugin_fields`].
#[derive(Clone)]
pub struct NetConf {
    /// Version of the configuration and of the result; 0.1.0 when empty or absent.
    pub cni_version: Version,
    /// Name of the network: a letter or digit, then letters, digits, `_`, `.`, `-`.
    pub name: String,
    /// Name of the plugin's executable, without path separators.
    pub plugin_type: String,
    /// The plugin that assigns addresses; none when `ipam` is absent, empty or has no `type`.
    pub ipam: Option<Ipam>,
    /// DNS settings the configuration asks for.
    pub dns: Dns,
    /// Result of the plugin before this one (ADD), or of the whole ADD (CHECK, DEL).
    pub prev_result: Option<AddResult>,
    /// GC: attachments that still exist. None: unknown, so collect nothing. Empty: there is none,
    /// so collect everything.
    pub valid_attachments: Option<Vec<AttachmentId>>,
    members: Members,
    raw: Vec<u8>,
}

/// The part of `ipam` that belongs to the protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ipam {
    /// Name of the IPAM plugin's executable, without path separators.
    pub plugin_type: String,
}

/// What GC calls an attachment: a container and the interface in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AttachmentId {
    /// The runtime's id of the container.
    #[serde(rename = "containerID")]
    pub container_id: String,
    /// Name of the interface inside the container.
    pub ifname: String,
}

impl NetConf {
    /// Reads a configuration. Keys match in whatever case, the last of several wins, null is unset.
    ///
    /// # Errors
    /// Code 6 when it is not a JSON object or a key of the protocol has the wrong type, 1 when the
    /// version is unknown, 7 when `name` or a `type` is missing or malformed.
    pub fn parse(raw: &[u8]) -> Result<Self, Error> {
        let mut conf = Self::parse_without_result(raw)?;
        conf.prev_result = previous_result(&conf.members, conf.cni_version)?;
        Ok(conf)
    }

    /// Like [`NetConf::parse`], for DEL: an unreadable `prevResult` is no reason not to clean up.
    pub(crate) fn parse_for_del(raw: &[u8]) -> Result<Self, Error> {
        let mut conf = Self::parse_without_result(raw)?;
        conf.prev_result =
            previous_result(&conf.members, conf.cni_version).unwrap_or_else(|error| {
                log::warn!("prevResult is ignored: {error}");
                None
            });
        Ok(conf)
    }

    fn parse_without_result(raw: &[u8]) -> Result<Self, Error> {
        let members: Members = serde_json::from_slice(raw).map_err(|error| {
            Error::new(code::DECODE, "decode the configuration", error.to_string())
        })?;
        Ok(Self {
            cni_version: version(&members)?,
            name: network_name(&members)?,
            plugin_type: plugin_type(&members)?,
            ipam: ipam(&members)?,
            dns: protocol_key(&members, "dns")?.unwrap_or_default(),
            prev_result: None,
            valid_attachments: valid_attachments(&members)?,
            members,
            raw: raw.to_vec(),
        })
    }

    /// The bytes this was read from: what delegates receive and records keep.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The plugin's own fields. `known` are their names as `T` spells them; they match in whatever
    /// case, the last one in the document wins, null is unset. Nested objects are left as they are.
    ///
    /// # Errors
    /// Code 7, and the message names the key.
    pub fn plugin_fields<T: DeserializeOwned>(&self, known: &[&str]) -> Result<T, Error> {
        self.members.fields(known).map_err(|error| {
            let hint = format!("correct the configuration of network {:?}", self.name);
            Error::new(code::CONFIG, format!("invalid configuration: {error}"), hint)
        })
    }

    /// The top-level keys that are neither in `known` nor reserved by the specification, as they
    /// are spelt, in document order: most likely mistyped.
    #[must_use]
    pub fn unknown_keys(&self, known: &[&str]) -> Vec<String> {
        let listed = |list: &[&str], key: &str| list.iter().any(|k| k.eq_ignore_ascii_case(key));
        let unknown = |key: &&str| {
            !listed(known, key) && !listed(&RESERVED, key) && !key.starts_with("cni.dev/")
        };
        self.members.keys().filter(unknown).map(str::to_owned).collect()
    }

    /// What the runtime passes under a capability: `runtimeConfig.<key>`.
    ///
    /// # Errors
    /// Code 7 naming the key, when it is not a `T`.
    pub fn runtime_config<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Error> {
        let object = self.members.get("runtimeConfig").and_then(Value::as_object);
        let Some(value) = object.and_then(|object| member(object, key)) else { return Ok(None) };
        serde_json::from_value(value.clone()).map(Some).map_err(|error| {
            let msg = format!("invalid configuration: key \"runtimeConfig.{key}\": {error}");
            Error::new(code::CONFIG, msg, "the runtime sets it from a capability of this network")
        })
    }

    /// `args.cni.<key>` as text; numbers and booleans as JSON writes them (CNI conventions, "args").
    #[must_use]
    pub fn args_cni(&self, key: &str) -> Option<String> {
        let cni = member(self.members.get("args")?.as_object()?, "cni")?.as_object()?;
        match member(cni, key)? {
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }
}

/// Shows no values but the protocol's: configurations may hold what does not belong in a log.
impl fmt::Debug for NetConf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetConf")
            .field("cni_version", &self.cni_version)
            .field("name", &self.name)
            .field("plugin_type", &self.plugin_type)
            .finish_non_exhaustive()
    }
}

pub(crate) fn protocol_key<T: DeserializeOwned>(
    members: &Members,
    key: &str,
) -> Result<Option<T>, Error> {
    let Some(value) = members.get(key) else { return Ok(None) };
    serde_json::from_value(value.clone()).map(Some).map_err(|error| {
        Error::new(
            code::DECODE,
            format!("decode the configuration: key {key:?}"),
            error.to_string(),
        )
    })
}

fn version(members: &Members) -> Result<Version, Error> {
    let text: String = protocol_key(members, "cniVersion")?.unwrap_or_default();
    if text.is_empty() {
        return Ok(Version::V0_1_0);
    }
    text.parse().map_err(|error| {
        let hint = format!("supported are {}", Version::list());
        Error::from_chain(code::INCOMPATIBLE_VERSION, &error, &hint)
    })
}

pub(crate) fn network_name(members: &Members) -> Result<String, Error> {
    let name: String = protocol_key(members, "name")?.unwrap_or_default();
    if is_identifier(&name) {
        return Ok(name);
    }
    let msg = if name.is_empty() {
        "no network name".to_owned()
    } else {
        format!("invalid name {name:?}")
    };
    let rule = "\"name\" must start with a letter or digit and hold only letters, digits, '_', '.' and '-'";
    Err(Error::new(code::CONFIG, msg, rule))
}

fn plugin_type(members: &Members) -> Result<String, Error> {
    let text: String = protocol_key(members, "type")?.unwrap_or_default();
    if text.is_empty() {
        return Err(Error::new(code::CONFIG, "no \"type\"", "name the plugin's executable in it"));
    }
    file_name("type", text)
}

fn ipam(members: &Members) -> Result<Option<Ipam>, Error> {
    #[derive(Deserialize)]
    struct Wire {
        #[serde(default, rename = "type")]
        plugin_type: Option<String>,
    }
    let Some(nested) = protocol_key::<Members>(members, "ipam")? else { return Ok(None) };
    let wire: Wire = nested.fields(&["type"]).map_err(|error| {
        Error::new(code::DECODE, "decode the configuration: key \"ipam\"", error.to_string())
    })?;
    match wire.plugin_type {
        Some(text) if !text.is_empty() => {
            Ok(Some(Ipam { plugin_type: file_name("ipam.type", text)? }))
        }
        _ => Ok(None),
    }
}

/// A `type` becomes a file name in `CNI_PATH`, so it must be nothing but one.
pub(crate) fn file_name(key: &str, text: String) -> Result<String, Error> {
    if text.contains(['/', '\0']) || matches!(text.as_str(), "." | "..") {
        let msg = format!("invalid {key:?} {text:?}");
        return Err(Error::new(
            code::CONFIG,
            msg,
            "it must be a file name without path separators",
        ));
    }
    Ok(text)
}

fn valid_attachments(members: &Members) -> Result<Option<Vec<AttachmentId>>, Error> {
    for key in VALID_ATTACHMENTS {
        if let Some(list) = protocol_key(members, key)? {
            return Ok(Some(list));
        }
    }
    Ok(None)
}

fn previous_result(members: &Members, version: Version) -> Result<Option<AddResult>, Error> {
    let Some(value) = members.get("prevResult") else { return Ok(None) };
    AddResult::from_json(value, version).map(Some).map_err(|error| error.context("in prevResult"))
}

#[cfg(test)]
#[path = "conf_tests.rs"]
mod tests;
