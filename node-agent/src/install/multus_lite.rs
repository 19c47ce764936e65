//! multus-lite as the network of the node's pods: how it reaches the API server, and the file by
//! which the container runtime goes.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use cni::runtime::NetworkList;
use hostnet::Host;
use serde_json::{Value, json};

use super::record::{Record, Turn};
use super::wanted::WantedFile;
use super::{Install, file};

/// The runtime uses the first file of the directory by name.
const CONF: &str = "00-multus-lite.conf";
/// Beside it, with what multus-lite needs for the API server.
const ACCESS: &str = "multus-lite.d";
/// By these a runtime knows a network's file.
const EXTENSIONS: [&str; 3] = ["conf", "conflist", "json"];

/// How the node reaches the API server.
#[derive(Args)]
pub(super) struct ApiServer {
    /// Name or address of the API server
    #[arg(
        long = "api-server-host",
        value_name = "HOST",
        env = "KUBERNETES_SERVICE_HOST",
        required_if_eq("multus_lite", "true")
    )]
    pub(super) host: Option<String>,
    /// Port of the API server
    #[arg(
        long = "api-server-port",
        value_name = "PORT",
        env = "KUBERNETES_SERVICE_PORT",
        default_value_t = 443
    )]
    pub(super) port: u16,
}

impl ApiServer {
    fn url(&self) -> Result<String> {
        let host = self.host.as_deref().context("no --api-server-host")?;
        let ipv6 = host.parse().is_ok_and(|address: IpAddr| address.is_ipv6());
        let host = if ipv6 { format!("[{host}]") } else { host.to_owned() };
        Ok(format!("https://{host}:{}", self.port))
    }
}

/// Refuses a configuration for a plugin that is not installed with it.
pub(super) fn require_plugin(from: &Path) -> Result<()> {
    let plugin = from.join("multus-lite");
    ensure!(plugin.is_file(), "--multus-lite needs {}", plugin.display());
    Ok(())
}

/// The file by which the runtime goes, and before it all that it needs.
pub(super) fn files(install: &Install) -> Result<Vec<WantedFile>> {
    let access = install.cni_conf_dir.join(ACCESS);
    let credential = |name: &str| -> Result<WantedFile> {
        let content = credential(&install.service_account_dir.join(name))?;
        Ok(WantedFile { path: access.join(name), content, mode: 0o600, renewed: true })
    };
    let written = |path: PathBuf, content: &Value, mode| -> Result<WantedFile> {
        let mut content = serde_json::to_vec_pretty(content).context("as JSON")?;
        content.push(b'\n');
        Ok(WantedFile { path, content, mode, renewed: false })
    };
    let kubeconfig = access.join("kubeconfig");
    let conf = conf(&kubeconfig, &cluster_network(install)?);
    Ok(vec![
        credential("ca.crt")?,
        credential("token")?,
        written(kubeconfig, &self::kubeconfig(&install.api_server.url()?), 0o600)?,
        written(install.cni_conf_dir.join(CONF), &conf, 0o644)?,
    ])
}

/// Paths in it start at the kubeconfig.
fn kubeconfig(server: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "cluster", "cluster": {"server": server, "certificate-authority": "ca.crt"}}],
        "users": [{"name": "multus-lite", "user": {"tokenFile": "token"}}],
        "contexts": [{"name": "here", "context": {"cluster": "cluster", "user": "multus-lite"}}],
        "current-context": "here",
    })
}

fn conf(kubeconfig: &Path, cluster_network: &Path) -> Value {
    json!({
        "cniVersion": "1.0.0",
        "name": "multus-lite-network",
        "type": "multus-lite",
        "kubeconfig": kubeconfig,
        "clusterNetwork": cluster_network,
    })
}

/// The file of the network that the node has already: the first one of the directory by name.
fn cluster_network(install: &Install) -> Result<PathBuf> {
    let dir = &install.cni_conf_dir;
    let names = networks(&install.tree.at(dir))?;
    if let Some(name) = names.iter().find(|name| name.as_str() < CONF) {
        bail!(
            "{} comes before {CONF} by name, so the container runtime would use that: rename it",
            dir.join(name).display()
        );
    }
    for name in names.iter().filter(|name| *name != CONF) {
        let file = dir.join(name);
        let network = NetworkList::load_file(&install.tree.at(&file))
            .with_context(|| format!("the network in {} cannot be read", file.display()))?;
        // What another meta-plugin has left is no network of its own.
        if !network.plugins.iter().any(|plugin| plugin.plugin_type.starts_with("multus")) {
            return Ok(file);
        }
    }
    bail!(
        "{} has no network for multus-lite to begin with: install the cluster's own first",
        dir.display()
    )
}

/// Names of the files that a runtime takes for networks, sorted.
fn networks(dir: &Path) -> Result<Vec<String>> {
    let failed = || format!("read {}", dir.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).with_context(failed)? {
        names.extend(entry.with_context(failed)?.file_name().into_string());
    }
    names.retain(|name| {
        let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
        extension.is_some_and(|extension| EXTENSIONS.contains(&extension))
    });
    names.sort();
    Ok(names)
}

fn credential(source: &Path) -> Result<Vec<u8>> {
    let content = fs::read(source).with_context(|| {
        format!("read {}: is a service account's token mounted?", source.display())
    })?;
    ensure!(!content.is_empty(), "{} is empty", source.display());
    Ok(content)
}

/// Copies the token and the certificate from the pod's service account anew, where they have changed:
/// a token's life is short, and multus-lite reads it in each of its processes. Whether it did so; not
/// where multus-lite is not installed, nor while an installation is at work.
///
/// # Errors
/// The service account's files cannot be read, the copies not be written.
pub(crate) fn refresh_token(host: &Host, service_account_dir: &Path) -> Result<bool> {
    let Some(_turn) = Turn::try_take(&host.state)? else { return Ok(false) };
    let mut renewed = false;
    for placed in Record::load(&host.state)?.configuration {
        // Where a copy is gone an uninstallation was interrupted.
        let (None, Ok(now)) = (&placed.sha256, fs::read(&placed.path)) else { continue };
        let new = credential(
            &service_account_dir.join(placed.path.file_name().context("a path without a name")?),
        )?;
        if new != now {
            file::place(&placed.path, &new, 0o600)?;
            renewed = true;
        }
    }
    Ok(renewed)
}
