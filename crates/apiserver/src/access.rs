//! How the API server is reached: a kubeconfig, or what kubelet mounts into a pod.

use std::path::{Path, PathBuf};

use http::Uri;
use kube::Config;
use kube::config::{Kubeconfig, KubeconfigError};
use rustls::ClientConfig;

use crate::credential::Credential;
use crate::{Error, Reason, tls};
use cni::chain;

const MOUNTED: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
const NO_PROXY: &str = "http://none.invalid/";

/// Where it is written how to reach the API server, and as whom.
#[derive(Debug, Clone)]
pub enum Access {
    /// A kubeconfig on the node. It may name no executables.
    Kubeconfig(PathBuf),
    /// The environment and the files kubelet gives a pod.
    InCluster,
}

/// The server and all that is needed to be let in.
pub(crate) struct Endpoint {
    pub(crate) url: Uri,
    pub(crate) tls: ClientConfig,
    /// Whose certificate the server has to show, if not that of the host in its address.
    pub(crate) server_name: Option<String>,
    pub(crate) credential: Credential,
}

/// What the log should say about the life of the token, if it matters: it nears its end or is over.
/// Asks nobody and never fails; what cannot be read is said by
/// [`ApiServer::connect`](crate::ApiServer::connect).
#[must_use]
pub fn token_warning(access: &Access) -> Option<String> {
    let credential = Credential::read(&access.config().ok()?.auth_info).ok()?;
    let life = credential.life()?;
    let place = credential.file().unwrap_or_else(|| access.path());
    Some(format!("the token in {place} {life}: is whatever renews it running?"))
}

impl Access {
    fn path(&self) -> String {
        match self {
            Self::Kubeconfig(path) => path.display().to_string(),
            Self::InCluster => MOUNTED.to_owned(),
        }
    }

    fn config(&self) -> Result<Config, String> {
        match self {
            Self::Kubeconfig(path) => read_kubeconfig(path),
            Self::InCluster => Config::incluster().map_err(|error| chain(&error)),
        }
    }
}

impl Endpoint {
    /// Reads all that is needed, tokens and certificates included; asks nobody.
    pub(crate) fn read(access: &Access) -> Result<Self, Error> {
        let unusable = |reason| Error::Access { path: access.path(), reason: Reason(reason) };
        let config = access.config().map_err(unusable)?;
        refuse_unsupported(&config).map_err(unusable)?;
        let credential = Credential::read(&config.auth_info).map_err(unusable)?;
        let tls = tls::client_config(&config).map_err(unusable)?;
        let Config { cluster_url: url, tls_server_name: server_name, .. } = config;
        Ok(Self { url, tls, server_name, credential })
    }
}

fn read_kubeconfig(path: &Path) -> Result<Config, String> {
    let mut kubeconfig = Kubeconfig::read_from(path).map_err(|error| explain(&error))?;
    for cluster in kubeconfig.clusters.iter_mut().filter_map(|named| named.cluster.as_mut()) {
        // Without one here, kube takes a proxy from the environment. Ours is that of the container
        // runtime, which has one for pulling images; the API server is next door.
        cluster.proxy_url.get_or_insert_with(|| NO_PROXY.to_owned());
    }
    let mut config = Config::try_from(kubeconfig).map_err(|error| explain(&error))?;
    config.proxy_url.take_if(|proxy| *proxy == NO_PROXY);
    Ok(config)
}

/// What is wrong with a kubeconfig. The parser's own text shows the lines around the mistake, and
/// those may hold a token.
fn explain(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::Parse(error) => match error.location() {
            Some(at) => format!("no kubeconfig: see line {}, column {}", at.line(), at.column()),
            None => "no kubeconfig".to_owned(),
        },
        KubeconfigError::ReadConfig(error, _path) => error.to_string(),
        error => chain(error),
    }
}

/// Refuses what would run an executable, and what would silently not be done.
fn refuse_unsupported(config: &Config) -> Result<(), String> {
    let auth = &config.auth_info;
    let what = if auth.exec.is_some() {
        "user.exec is not supported, for no executable that a configuration names is ever run: use \
         tokenFile or client-certificate"
    } else if auth.auth_provider.is_some() {
        "user.auth-provider is not supported, for it may run an executable: use tokenFile or \
         client-certificate"
    } else if auth.impersonate.is_some() {
        "user.as is not supported: grant the rights to the user itself"
    } else if config.proxy_url.is_some() {
        "cluster.proxy-url is not supported"
    } else if !is_address(&config.cluster_url) {
        "cluster.server is no https:// address"
    } else {
        return Ok(());
    };
    Err(what.to_owned())
}

fn is_address(url: &Uri) -> bool {
    url.host().is_some() && matches!(url.scheme_str(), Some("https" | "http"))
}

#[cfg(test)]
#[path = "access_tests.rs"]
mod tests;
