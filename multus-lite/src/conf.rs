//! What users write: the keys of Multus' configuration with the same meaning. Nothing here touches
//! the host.

use std::path::PathBuf;

use cni::{IfName, NetConf, Version};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::error::ConfError;

/// Keys this program knows, in the spelling of the documentation.
const KEYS: &[&str] = &[
    "delegates",
    "kubeconfig",
    "clusterNetwork",
    "defaultNetworks",
    "systemNamespaces",
    "multusNamespace",
    "confDir",
    "binDir",
    "cniDir",
    "readinessindicatorfile",
    "namespaceIsolation",
    "globalNamespaces",
    "logLevel",
    "logFile",
];

/// Keys of Multus that are accepted and change nothing here, each with the reason.
const WITHOUT_EFFECT: &[(&str, &str)] = &[
    ("retryDeleteOnError", "it is always on"),
    ("logToStderr", "without logFile the log goes to stderr, with it to the file"),
    ("logOptions", "the log file is not rotated here; use logrotate"),
];

/// A validated configuration.
#[derive(Debug, Clone)]
pub struct Conf {
    /// Networks of every pod. The first is the default network unless `cluster_network` is set.
    pub delegates: Vec<Delegate>,
    /// The default network: name of a definition or of a network in `conf_dir`, directory, or file.
    pub cluster_network: Option<String>,
    /// Further networks of every pod outside `system_namespaces`, named as `cluster_network`.
    pub default_networks: Vec<String>,
    /// Namespaces whose pods get no `default_networks`.
    pub system_namespaces: Vec<String>,
    /// Namespace of the definitions that `cluster_network` and `default_networks` name.
    pub multus_namespace: String,
    /// Network configurations on disk.
    pub conf_dir: PathBuf,
    /// Searched for plugins before `CNI_PATH`; none when not given.
    pub bin_dir: Option<PathBuf>,
    /// Where Multus kept its cache: pods that it attached are detached from there.
    pub cni_dir: PathBuf,
    /// ADD waits for this file, STATUS wants it: the default network's own daemon writes it.
    pub readiness_indicator_file: Option<PathBuf>,
    /// Pods may use definitions of their own namespace and of `global_namespaces` only.
    pub namespace_isolation: bool,
    /// Namespaces whose definitions every pod may use.
    pub global_namespaces: Vec<String>,
    /// How to reach the API server.
    pub kubeconfig: Option<PathBuf>,
    /// Remarks for the log: unknown keys, options without effect.
    pub warnings: Vec<String>,
}

/// One entry of `delegates`.
#[derive(Debug, Clone)]
pub struct Delegate {
    /// The configuration or list, complete with name and version.
    pub network: Map<String, Value>,
    /// Name of its interface, where it is not chosen here.
    pub ifname: Option<IfName>,
}

/// The configuration as JSON has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Raw {
    delegates: Vec<Map<String, Value>>,
    kubeconfig: Option<PathBuf>,
    cluster_network: Option<String>,
    default_networks: Vec<String>,
    system_namespaces: Option<Vec<String>>,
    multus_namespace: Option<String>,
    conf_dir: Option<PathBuf>,
    bin_dir: Option<PathBuf>,
    cni_dir: Option<PathBuf>,
    #[serde(rename = "readinessindicatorfile")]
    readiness_indicator_file: Option<PathBuf>,
    #[serde(deserialize_with = "flag")]
    namespace_isolation: bool,
    global_namespaces: Option<String>,
}

impl Conf {
    /// Reads and validates the configuration.
    ///
    /// # Errors
    /// A key has the wrong type, two delegates want to be the default network, there is none.
    pub fn of(conf: &NetConf) -> Result<Self, ConfError> {
        let raw: Raw = conf.plugin_fields(KEYS).map_err(ConfError::Fields)?;
        let given = |path: Option<PathBuf>| path.filter(|path| !path.as_os_str().is_empty());
        let cluster_network = raw.cluster_network.filter(|name| !name.is_empty());
        let delegates = delegates(raw.delegates, conf)?;
        if delegates.is_empty() && cluster_network.is_none() {
            return Err(ConfError::NoNetwork);
        }
        Ok(Self {
            warnings: warnings(conf, cluster_network.is_some() && !delegates.is_empty()),
            // As in Multus: one way or the other.
            delegates: if cluster_network.is_some() { Vec::new() } else { delegates },
            cluster_network,
            default_networks: raw.default_networks,
            system_namespaces: raw.system_namespaces.unwrap_or_else(|| vec!["kube-system".into()]),
            multus_namespace: raw.multus_namespace.unwrap_or_else(|| "kube-system".into()),
            conf_dir: given(raw.conf_dir).unwrap_or_else(|| "/etc/cni/multus/net.d".into()),
            bin_dir: given(raw.bin_dir),
            cni_dir: given(raw.cni_dir).unwrap_or_else(|| "/var/lib/cni/multus".into()),
            readiness_indicator_file: given(raw.readiness_indicator_file),
            namespace_isolation: raw.namespace_isolation,
            global_namespaces: namespaces(raw.global_namespaces.as_deref()),
            kubeconfig: given(raw.kubeconfig),
        })
    }

    /// `binDir` and then the runtime's `CNI_PATH`.
    #[must_use]
    pub fn search_path(&self, cni_path: &[PathBuf]) -> Vec<PathBuf> {
        self.bin_dir.iter().chain(cni_path).cloned().collect()
    }
}

/// The delegates, the default network first.
fn delegates(objects: Vec<Map<String, Value>>, conf: &NetConf) -> Result<Vec<Delegate>, ConfError> {
    let mut delegates = Vec::new();
    let mut master = None;
    for (index, object) in objects.into_iter().enumerate() {
        let (delegate, is_master) = delegate(object, conf).map_err(|e| e.in_delegate(index))?;
        if is_master && master.replace(index).is_some() {
            return Err(ConfError::TwoMasters);
        }
        delegates.push(delegate);
    }
    if let Some(index) = master {
        delegates[..=index].rotate_right(1);
    }
    Ok(delegates)
}

fn delegate(mut object: Map<String, Value>, conf: &NetConf) -> Result<(Delegate, bool), ConfError> {
    let master = match take(&mut object, "masterplugin") {
        None => false,
        Some(value) => flag(value).map_err(|e| ConfError::value("masterplugin", &e))?,
    };
    // sriov has if0name among its own keys, so that one stays.
    let named = take(&mut object, "interface").or_else(|| object.get("if0name").cloned());
    let ifname = match named {
        None => None,
        Some(Value::String(name)) => {
            Some(IfName::try_from(name).map_err(|e| ConfError::value("interface", &e))?)
        }
        Some(other) => return Err(ConfError::value("interface", &format!("{other} is no name"))),
    };
    complete(&mut object, &conf.name, conf.cni_version);
    Ok((Delegate { network: object, ifname }, master))
}

/// A network that says neither its name nor its version gets those of the one it is part of.
pub(crate) fn complete(network: &mut Map<String, Value>, name: &str, version: Version) {
    let missing = |network: &Map<String, Value>, key: &str| {
        let value = network.iter().find(|(k, _)| k.eq_ignore_ascii_case(key)).map(|(_, v)| v);
        value.is_none_or(|value| value.is_null() || value == "")
    };
    if missing(network, "name") {
        network.insert("name".to_owned(), name.into());
    }
    if missing(network, "cniVersion") && missing(network, "cniVersions") {
        network.insert("cniVersion".to_owned(), version.as_str().into());
    }
}

fn take(object: &mut Map<String, Value>, key: &str) -> Option<Value> {
    let spelt = object.keys().rev().find(|name| name.eq_ignore_ascii_case(key)).cloned()?;
    object.remove(&spelt).filter(|value| !value.is_null())
}

/// Older files write booleans as strings.
fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Bool(flag) => Ok(flag),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        other => Err(serde::de::Error::custom(format!("{other} is neither true nor false"))),
    }
}

/// `globalNamespaces`: separated by commas; where it is given, "default" has to be in it to count.
fn namespaces(text: Option<&str>) -> Vec<String> {
    let names = text.unwrap_or("default").split(',').map(str::trim);
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn warnings(conf: &NetConf, delegates_ignored: bool) -> Vec<String> {
    let without: Vec<&str> = WITHOUT_EFFECT.iter().map(|(key, _)| *key).collect();
    let known: Vec<&str> = KEYS.iter().copied().chain(without.iter().copied()).collect();
    let unknown = conf.unknown_keys(&known).into_iter();
    let mut warnings: Vec<_> = unknown.map(|key| format!("key {key:?} is not known")).collect();
    let used = conf.unknown_keys(KEYS);
    let used = |key: &str| used.iter().any(|name| name.eq_ignore_ascii_case(key));
    warnings.extend(
        WITHOUT_EFFECT
            .iter()
            .filter(|(key, _)| used(key))
            .map(|(key, why)| format!("key {key:?} has no effect: {why}")),
    );
    if delegates_ignored {
        warnings.push("delegates are ignored: clusterNetwork names the default network".into());
    }
    warnings
}

#[cfg(test)]
#[path = "conf_tests.rs"]
mod tests;
