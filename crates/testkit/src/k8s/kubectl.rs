//! Asking the API server with kubectl.

#![expect(clippy::disallowed_methods, reason = "tests run what they need")]

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{Cluster, programs};
use crate::process::Pipes;

impl Cluster {
    /// Runs kubectl as administrator and returns what it printed; panics when it fails.
    pub fn kubectl(&self, args: &[&str]) -> String {
        self.try_kubectl(args).unwrap_or_else(|error| panic!("kubectl {args:?}: {error}"))
    }

    /// Runs kubectl as administrator and returns what it printed, or what it complained of.
    ///
    /// # Errors
    ///
    /// What it wrote to stderr when it failed.
    pub fn try_kubectl(&self, args: &[&str]) -> Result<String, String> {
        self.run_kubectl(args, String::new())
    }

    /// What `kubectl get ARGS` finds; null when there is no such thing.
    pub fn get(&self, args: &[&str]) -> Value {
        let what = ["get", "--ignore-not-found", "-o", "json"];
        let text = self.kubectl(&[&what, args].concat());
        if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() }
    }

    /// Creates an object or makes it so; several in a `List`.
    pub fn apply(&self, object: &Value) {
        let applied = self.run_kubectl(&["apply", "-f", "-"], object.to_string());
        applied.unwrap_or_else(|error| panic!("kubectl apply: {error}{object:#}"));
    }

    /// Creates the objects in a file or makes them so.
    pub fn apply_file(&self, file: &Path) {
        self.kubectl(&["apply", "-f", &file.display().to_string()]);
    }

    fn run_kubectl(&self, args: &[&str], stdin: String) -> Result<String, String> {
        let mut command = Command::new(programs::server("kubectl"));
        command.args(args).env_clear().env("KUBECONFIG", self.admin_kubeconfig());
        // What it has learned of this API server stays with it.
        command.env("HOME", self.dir());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("kubectl: {error}"));
        let pipes = Pipes::of(&mut child, stdin.into_bytes());
        let (stdout, stderr) = pipes.collect();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        if child.wait().unwrap().success() { Ok(text(stdout)) } else { Err(text(stderr)) }
    }
}
