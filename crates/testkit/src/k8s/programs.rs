//! Where the programs are.

#![expect(clippy::disallowed_methods, reason = "what to run is told by the environment")]

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::daemon::Daemon;

/// The folder that `integration/k8s/binaries.sh` printed.
#[must_use]
pub fn dir() -> PathBuf {
    let Some(dir) = env::var_os("FASTPATH_K8S_DIR").map(PathBuf::from) else {
        panic!("FASTPATH_K8S_DIR is not set: it is what integration/k8s/binaries.sh prints");
    };
    assert!(dir.join("bin").is_dir(), "FASTPATH_K8S_DIR={}: has no bin", dir.display());
    dir
}

/// The directory of Debian's CNI plugins: bridge, host-local, ...
pub fn cni_plugins() -> PathBuf {
    dir().join("cni")
}

/// A program of the node or of the control plane.
pub(super) fn program(name: &str) -> PathBuf {
    dir().join("bin").join(name)
}

/// etcd, kube-apiserver or kubectl: that of `$KUBEBUILDER_ASSETS` if it is set, so that our code can
/// be tried on newer API servers than the one that we can build.
pub(super) fn server(name: &str) -> PathBuf {
    let other = env::var_os("KUBEBUILDER_ASSETS").map(|assets| PathBuf::from(assets).join(name));
    other.filter(|path| path.exists()).unwrap_or_else(|| program(name))
}

/// Starts a program in a directory, where `<name>.log` takes what it prints.
pub(super) fn start<A: AsRef<OsStr>>(
    program: &Path,
    dir: &Path,
    args: impl IntoIterator<Item = A>,
) -> Daemon {
    let name = program.file_name().unwrap().to_string_lossy();
    let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", self::dir().join("bin").display());
    let mut command = Command::new(program);
    command.args(args).current_dir(dir).env_clear().env("PATH", path).env("HOME", dir);
    Daemon::spawn(command.stdin(Stdio::null()), dir.join(format!("{name}.log")))
}
