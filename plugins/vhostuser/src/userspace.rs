//! The dialect of userspace-cni: `host`, `container`, `sharedDir`, as far as it is about OVS-DPDK.
//!
//! There `host.vhost.mode` is what the switch is: `client` connects, everything else listens.

use std::path::PathBuf;

use attachment::{ConfError, invalid};
use cni::NetConf;
use handover::Account;
use handover::conf::plain_path;
use serde::Deserialize;

use crate::conf::Mode;

/// Keys of the dialect.
pub(crate) const KEYS: &[&str] = &["host", "container", "sharedDir", "kubeconfig"];

/// What a configuration in the dialect asks for.
#[derive(Debug, Default)]
pub(crate) struct Dialect {
    pub(crate) bridge: Option<String>,
    pub(crate) mode: Option<Mode>,
    pub(crate) vlan: Option<i64>,
    pub(crate) group: Option<Account>,
    pub(crate) socket_file: Option<String>,
    pub(crate) shared_dir: Option<PathBuf>,
    pub(crate) warnings: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Raw {
    host: Option<Side>,
    container: Option<Side>,
    shared_dir: Option<PathBuf>,
    kubeconfig: Option<String>,
}

/// One end of the interface.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Side {
    engine: String,
    iftype: String,
    net_type: String,
    vhost: Vhost,
    bridge: Bridge,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Vhost {
    mode: String,
    group: String,
    socketfile: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Bridge {
    bridge_name: String,
    vlan_id: i64,
}

impl Dialect {
    /// Reads the dialect's keys; nothing where there are none.
    pub(crate) fn of(conf: &NetConf) -> Result<Self, ConfError> {
        let raw: Raw = conf.plugin_fields(KEYS).map_err(ConfError::Fields)?;
        let mut dialect = match &raw.host {
            Some(host) => host.read()?,
            None => Self::default(),
        };
        if let Some(container) = &raw.container {
            container.read()?;
        }
        let shared_dir = raw.shared_dir.filter(|path| !path.as_os_str().is_empty());
        dialect.shared_dir = shared_dir.map(|path| plain_path("sharedDir", path)).transpose()?;
        if raw.kubeconfig.is_some() {
            let text = "kubeconfig is not used: no API server is asked, no annotation is written";
            dialect.warnings.push(text.to_owned());
        }
        Ok(dialect)
    }
}

impl Side {
    fn read(&self) -> Result<Dialect, ConfError> {
        let one_of = |value: &str, valid: &[&str]| value.is_empty() || valid.contains(&value);
        if !one_of(&self.engine, &["ovs-dpdk"]) {
            return Err(invalid("host.engine", &self.engine, "ovs-dpdk; VPP is not supported"));
        }
        if !one_of(&self.iftype, &["vhostuser"]) {
            return Err(invalid("host.iftype", &self.iftype, "vhostuser; memif is not supported"));
        }
        if !one_of(&self.net_type, &["bridge", "interface"]) {
            return Err(invalid("host.netType", &self.net_type, "bridge"));
        }
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Ok(Dialect {
            bridge: Some(given(&self.bridge.bridge_name).unwrap_or_else(|| "br0".to_owned())),
            mode: Some(match self.vhost.mode.as_str() {
                "client" => Mode::Client,
                "server" | "" => Mode::Server,
                other => return Err(invalid("host.vhost.mode", other, "client or server")),
            }),
            vlan: Some(self.bridge.vlan_id),
            group: given(&self.vhost.group).map(Account::Name),
            socket_file: given(&self.vhost.socketfile).map(file_name).transpose()?,
            ..Dialect::default()
        })
    }
}

/// It is put into `--vdev` and a shell as it is, and must leave room in the socket's path.
fn file_name(name: String) -> Result<String, ConfError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if name.len() <= 32 && !name.starts_with('.') && name.chars().all(plain) {
        return Ok(name);
    }
    Err(invalid(
        "host.vhost.socketfile",
        name,
        "a file name of up to 32 letters, digits, _ . and -",
    ))
}
