//! Who may ask the API server: kubeconfigs, tokens.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::Cluster;
use super::cluster::write;
use super::node::NODE_NAME;

/// The file of the users whom the API server knows from its start.
pub(super) const USERS: &str = "users.csv";

/// A token of a service account, valid while the Secret that it is bound to exists.
#[derive(Debug, Clone)]
pub struct Token {
    /// What goes after `Bearer`.
    pub token: String,
    namespace: String,
    secret: String,
}

/// Writes the users' file. Their tokens are made of their names.
pub(super) fn write_users(dir: &Path) {
    let node = node_user();
    let users = [
        ("admin", "system:masters"),
        ("system:kube-scheduler", ""),
        ("system:kube-controller-manager", ""),
        (&node, "system:nodes"),
    ];
    let lines =
        users.map(|(name, group)| format!("{},{name},{name},\"{group}\"\n", token_of(name)));
    fs::write(dir.join(USERS), lines.concat()).unwrap();
}

/// The user that the node's kubelet is.
pub(super) fn node_user() -> String {
    format!("system:node:{NODE_NAME}")
}

fn token_of(user: &str) -> String {
    format!("token-of-{}", user.replace(':', "-"))
}

fn kubeconfig(server: &str, authority: &Path, token_file: &Path) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": {
            "server": server, "certificate-authority": authority,
        }}],
        "users": [{"name": "user", "user": {"tokenFile": token_file}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "user"}}],
        "current-context": "test",
    })
}

impl Cluster {
    /// The kubeconfig of a cluster administrator.
    #[must_use]
    pub fn admin_kubeconfig(&self) -> PathBuf {
        self.user_kubeconfig("admin")
    }

    /// A kubeconfig that authenticates with the token in a file (`tokenFile`), which need not exist
    /// yet.
    #[must_use]
    pub fn kubeconfig_for(&self, token_file: &Path) -> PathBuf {
        let file = token_file.with_extension("kubeconfig");
        if file.exists() {
            return file;
        }
        write(&file, &kubeconfig(&self.url(), &self.ca_file(), token_file));
        file
    }

    /// Writes a kubeconfig with the token and the certificate that it names beside it: for who sees other files than
    /// this process, and reaches the API server at this host.
    pub fn write_access(&self, file: &Path, host: &str, token: &str) {
        let dir = file.parent().unwrap();
        fs::create_dir_all(dir).unwrap();
        fs::copy(self.ca_file(), dir.join("ca.crt")).unwrap();
        let token_file = file.with_extension("token");
        fs::write(&token_file, token).unwrap();
        let name = Path::new(token_file.file_name().unwrap());
        write(file, &kubeconfig(&self.url().replace("127.0.0.1", host), "ca.crt".as_ref(), name));
    }

    /// The token of the node's kubelet.
    #[must_use]
    pub fn node_token() -> String {
        token_of(&node_user())
    }

    /// A file with a token, for [`kubeconfig_for`](Self::kubeconfig_for); one of the same name is
    /// replaced, as kubelet does with a pod's.
    pub fn token_file(&self, name: &str, token: &str) -> PathBuf {
        let file = self.dir().join(format!("{name}.token"));
        let new = self.dir().join(format!("{name}.token.new"));
        fs::write(&new, token).unwrap();
        fs::rename(new, &file).unwrap();
        file
    }

    /// The kubeconfig of a user of the users' file.
    pub(super) fn user_kubeconfig(&self, user: &str) -> PathBuf {
        let file = self.dir().join(format!("{}.token", user.replace(':', "-")));
        if !file.exists() {
            fs::write(&file, token_of(user)).unwrap();
        }
        self.kubeconfig_for(&file)
    }

    /// A token of a service account, by `TokenRequest`. The API server gives none for less than 10
    /// minutes.
    #[must_use]
    pub fn service_account_token(&self, namespace: &str, name: &str, lifetime: Duration) -> Token {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let secret = format!("token-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let lifetime = format!("--duration={}s", lifetime.as_secs());
        let kubectl = |args: &[&str]| self.kubectl(&[&["-n", namespace], args].concat());
        kubectl(&["create", "secret", "generic", &secret]);
        let bound = ["--bound-object-kind=Secret", "--bound-object-name", &secret];
        let token = kubectl(&[&["create", "token", name, &lifetime], &bound[..]].concat());
        Token { token: token.trim().into(), namespace: namespace.into(), secret }
    }

    /// Makes a token invalid. The API server may remember for 10 s that it was not.
    pub fn revoke(&self, token: &Token) {
        self.kubectl(&["-n", &token.namespace, "delete", "secret", &token.secret]);
    }
}
