//! A host that a node may write to as it likes.

use std::fs;
use std::path::Path;
use std::sync::Mutex;

use nix::mount::{MsFlags, mount};

use crate::netns::private_mounts;

/// What is there once [`private_host`] was called; a tmpfs.
const PRIVATE: &str = "/run/k8s";

const RESOLVERS: &str = "/etc/resolv.conf";

/// kubelet sets these for the whole machine; namespaces do not help.
const SYSCTLS: [(&str, &str); 6] = [
    ("vm/overcommit_memory", "1"),
    ("vm/panic_on_oom", "0"),
    ("kernel/panic", "10"),
    ("kernel/panic_on_oops", "1"),
    ("kernel/keys/root_maxkeys", "1000000"),
    ("kernel/keys/root_maxbytes", "25000000"),
];

/// Makes everything private that a node writes to outside of its own directory: /run, what is below
/// /var/lib, /var/log, /etc and /opt, and the sysctls that kubelet sets. The directories that
/// kubelet, container runtimes, CNI and fastpath keep are empty at first.
///
/// To be called before the first [`Cluster`](super::Cluster), whose files are then in /run as well.
/// Panics unless the process is in a mount namespace of its own, with a /proc of its own.
pub fn private_host() {
    static DONE: Mutex<bool> = Mutex::new(false);
    let mut done = DONE.lock().unwrap();
    if *done {
        return;
    }
    private_mounts(&["/run"]);
    for dir in ["/etc", "/opt", "/var/lib", "/var/log"] {
        copy_on_write(dir);
    }
    private_mounts(&[
        "/var/lib/kubelet",
        "/var/lib/cni",
        "/var/lib/fastpath",
        "/etc/cni",
        "/opt/cni",
    ]);
    // kubelet wants this file, and the machine's may be a link into /run.
    drop(fs::remove_file(RESOLVERS));
    fs::write(RESOLVERS, "nameserver 127.0.0.1\n").unwrap();
    for (name, value) in SYSCTLS {
        keep(name, value);
    }
    *done = true;
}

/// Where the files of a cluster or a node go: away with the mounts, if they are ours.
pub(super) fn scratch() -> tempfile::TempDir {
    let mut builder = tempfile::Builder::new();
    let builder = builder.prefix("k8s-");
    if Path::new(PRIVATE).exists() { builder.tempdir_in(PRIVATE) } else { builder.tempdir() }
        .unwrap()
}

/// Lets everybody see what a directory holds, and keeps what is written from it.
fn copy_on_write(dir: &str) {
    let layers = Path::new(PRIVATE).join(dir.trim_start_matches('/').replace('/', "-"));
    let [upper, work] = ["upper", "work"].map(|layer| layers.join(layer));
    fs::create_dir_all(&upper).unwrap();
    fs::create_dir_all(&work).unwrap();
    let data = format!("lowerdir={dir},upperdir={},workdir={}", upper.display(), work.display());
    mount(Some("testkit"), dir, Some("overlay"), MsFlags::empty(), Some(data.as_str()))
        .unwrap_or_else(|errno| panic!("an overlay over {dir}: {errno}"));
}

/// A file in the place of a sysctl, with the value that kubelet wants.
fn keep(sysctl: &str, value: &str) {
    let target = Path::new("/proc/sys").join(sysctl);
    let file = Path::new(PRIVATE).join(sysctl.replace('/', "-"));
    fs::write(&file, value).unwrap();
    mount(Some(&file), &target, None::<&str>, MsFlags::MS_BIND, None::<&str>)
        .unwrap_or_else(|errno| panic!("a file over {}: {errno}", target.display()));
}
