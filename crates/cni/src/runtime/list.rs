//! Network configuration lists (CNI spec 1) and what each plugin of one is sent (CNI spec 3).

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::conf::{file_name, network_name, protocol_key};
use crate::delegate::TIMEOUT;
use crate::json::{Members, member};
use crate::{AddResult, Error, Version, code};

/// A network: plugins that run one after the other. From a list or a single configuration.
#[derive(Clone)]
pub struct NetworkList {
    /// Name of the network: a letter or digit, then letters, digits, `_`, `.`, `-`.
    pub name: String,
    /// The version every plugin is called with: the highest we know of those the file offers.
    pub cni_version: Version,
    /// CHECK must not be called.
    pub disable_check: bool,
    /// GC must not be called.
    pub disable_gc: bool,
    /// The plugins in the order of ADD; at least one.
    pub plugins: Vec<PluginConf>,
    /// How long each plugin may take for one verb: [`TIMEOUT`], unless the caller sets another.
    pub timeout: Duration,
    raw: Vec<u8>,
}

/// One plugin of a list.
#[derive(Clone)]
pub struct PluginConf {
    /// Name of its executable, without path separators.
    pub plugin_type: String,
    /// The capabilities it declares: the keys of `runtimeConfig` it is sent.
    pub capabilities: BTreeSet<String>,
    object: Map<String, Value>,
}

/// Keys only a runtime may set (CNI spec 3); what a file says under them is not passed on. So are
/// all in `cni.dev/`.
const OURS: [&str; 6] =
    ["cniVersion", "cniVersions", "name", "prevResult", "runtimeConfig", "capabilities"];

impl NetworkList {
    /// Reads a list (`plugins`) or a single configuration (`type`).
    ///
    /// # Errors
    /// Code 6 when it is not a JSON object or a key has the wrong type, 1 when none of its versions
    /// is known, 7 when a name or `type` is missing or malformed, or there is no plugin.
    pub fn load(bytes: &[u8]) -> Result<Self, Error> {
        let members: Members = decode(bytes)?;
        let objects = match protocol_key::<Vec<Map<String, Value>>>(&members, "plugins")? {
            Some(objects) => objects,
            None if members.get("type").is_some() => vec![decode(bytes)?],
            None => Vec::new(),
        };
        if objects.is_empty() {
            let hint = "name at least one plugin in \"plugins\", or one in \"type\"";
            return Err(Error::new(code::CONFIG, "the network has no plugins", hint));
        }
        Ok(Self {
            name: network_name(&members)?,
            cni_version: highest_version(&members)?,
            disable_check: flag(&members, "disableCheck")?,
            disable_gc: flag(&members, "disableGC")?,
            plugins: objects.into_iter().map(PluginConf::new).collect::<Result<_, _>>()?,
            timeout: TIMEOUT,
            raw: bytes.to_vec(),
        })
    }

    /// The bytes this was read from.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// What `plugin` of this network reads on stdin for a verb that concerns an attachment.
    pub(super) fn attachment_conf(
        &self,
        plugin: &PluginConf,
        capability_args: &Map<String, Value>,
        previous: Option<&AddResult>,
    ) -> Result<Vec<u8>, Error> {
        let mut object = self.base(plugin);
        let declared = |(key, _): &(&String, &Value)| plugin.capabilities.contains(*key);
        let config = capability_args.iter().filter(declared);
        let config: Map<_, _> = config.map(|(key, value)| (key.clone(), value.clone())).collect();
        if !config.is_empty() {
            object.insert("runtimeConfig".to_owned(), config.into());
        }
        if let Some(previous) = previous {
            object.insert("prevResult".to_owned(), previous.to_json(self.cni_version)?);
        }
        Ok(Value::from(object).to_string().into_bytes())
    }

    /// What `plugin` of this network reads on stdin for GC and STATUS; `extra` are further keys.
    pub(super) fn network_conf(&self, plugin: &PluginConf, extra: &[(&str, Value)]) -> Vec<u8> {
        let mut object = self.base(plugin);
        object.extend(extra.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
        Value::from(object).to_string().into_bytes()
    }

    /// The plugin's own keys, with the name and version of the network.
    fn base(&self, plugin: &PluginConf) -> Map<String, Value> {
        let mut object = plugin.object.clone();
        object.retain(|key, _| {
            !key.starts_with("cni.dev/") && !OURS.iter().any(|ours| ours.eq_ignore_ascii_case(key))
        });
        object.insert("name".to_owned(), self.name.clone().into());
        object.insert("cniVersion".to_owned(), self.cni_version.as_str().into());
        object
    }
}

/// Shows no values but the protocol's: configurations may hold what does not belong in a log.
impl fmt::Debug for NetworkList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plugins: Vec<_> = self.plugins.iter().map(|plugin| &plugin.plugin_type).collect();
        f.debug_struct("NetworkList")
            .field("name", &self.name)
            .field("cni_version", &self.cni_version)
            .field("plugins", &plugins)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for PluginConf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginConf")
            .field("plugin_type", &self.plugin_type)
            .field("capabilities", &self.capabilities)
            .finish_non_exhaustive()
    }
}

impl PluginConf {
    pub(super) fn new(object: Map<String, Value>) -> Result<Self, Error> {
        let plugin_type = match member(&object, "type") {
            Some(Value::String(text)) if !text.is_empty() => file_name("type", text.clone())?,
            _ => {
                let hint = "name the plugin's executable in it, as a string";
                return Err(Error::new(code::CONFIG, "a plugin has no \"type\"", hint));
            }
        };
        let declared = member(&object, "capabilities").and_then(Value::as_object);
        let declared = declared.into_iter().flatten().filter(|(_, wanted)| **wanted == true);
        let capabilities = declared.map(|(key, _)| key.clone()).collect();
        Ok(Self { plugin_type, capabilities, object })
    }
}

pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(bytes)
        .map_err(|error| Error::new(code::DECODE, "decode the network", error.to_string()))
}

/// The highest known version of `cniVersion` and `cniVersions`; 0.1.0 when both say nothing.
fn highest_version(members: &Members) -> Result<Version, Error> {
    let one: Option<String> = protocol_key(members, "cniVersion")?;
    let several: Option<Vec<String>> = protocol_key(members, "cniVersions")?;
    let offered: Vec<_> = one
        .into_iter()
        .chain(several.unwrap_or_default())
        .filter(|text| !text.is_empty())
        .collect();
    if offered.is_empty() {
        return Ok(Version::V0_1_0);
    }
    offered.iter().filter_map(|text| text.parse().ok()).max().ok_or_else(|| {
        let msg = format!("unknown CNI version {}", offered.join(", "));
        Error::new(code::INCOMPATIBLE_VERSION, msg, format!("supported are {}", Version::list()))
    })
}

/// A boolean, which older files write as a string.
pub(super) fn flag(members: &Members, key: &str) -> Result<bool, Error> {
    match members.get(key) {
        None => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(true),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("false") || text.is_empty() => {
            Ok(false)
        }
        Some(_) => {
            let msg = format!("decode the network: key {key:?}");
            Err(Error::new(code::DECODE, msg, "it must be true or false"))
        }
    }
}
