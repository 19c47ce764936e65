//! In a tree of its own: what stands where, after which command.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use hostnet::Host;
use serde_json::Value;
use tempfile::TempDir;

use super::multus_lite::ApiServer;
use super::record::Turn;
use super::{HostRoot, Install, Uninstall, refresh_token};

const BIN: &str = "opt/cni/bin";
const NET: &str = "etc/cni/net.d";
const CONF: &str = "etc/cni/net.d/00-multus-lite.conf";
const TOKEN: &str = "etc/cni/net.d/multus-lite.d/token";
const RECORD: &str = "var/lib/fastpath/installed.json";

/// A node with a network, and beside it what is to be installed.
struct Node {
    dir: TempDir,
}

impl Node {
    fn new() -> Self {
        let node = Self { dir: tempfile::tempdir().unwrap() };
        for plugin in ["sriov", "vhostuser", "ovn", "multus-lite"] {
            node.write(&format!("image/{plugin}"), &format!("program {plugin}"));
        }
        node.write("account/token", "first token");
        node.write("account/ca.crt", "certificate");
        node.write(
            "root/etc/cni/net.d/10-bridge.conflist",
            r#"{"name": "lan", "cniVersion": "1.0.0", "plugins": [{"type": "bridge"}]}"#,
        );
        node.write("root/opt/cni/bin/bridge", "another's program");
        fs::create_dir_all(node.at("var/lib")).unwrap();
        node
    }

    fn write(&self, path: &str, content: &str) {
        let path = self.dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// A path of the node.
    fn at(&self, path: &str) -> PathBuf {
        self.dir.path().join("root").join(path)
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap()
    }

    fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.read(path)).unwrap()
    }

    fn root(&self) -> HostRoot {
        HostRoot { root: self.at("") }
    }

    fn host(&self) -> Host {
        Host { state: self.at("var/lib/fastpath"), ..Host::real() }
    }

    fn try_install(&self, multus_lite: bool) -> anyhow::Result<()> {
        let install = Install {
            from: self.dir.path().join("image"),
            cni_bin_dir: Path::new("/").join(BIN),
            cni_conf_dir: Path::new("/").join(NET),
            multus_lite,
            service_account_dir: self.account(),
            api_server: ApiServer { host: Some("fd00::1".into()), port: 6443 },
            tree: self.root(),
        };
        install.run(&Host::real())
    }

    fn install(&self) {
        self.try_install(true).unwrap();
    }

    /// What an installation says that cannot be; it has to leave everything as it was.
    fn refusal(&self) -> String {
        let before = self.state();
        let error = format!("{:#}", self.try_install(true).unwrap_err());
        fs::remove_dir(self.at("var/lib/fastpath")).ok();
        assert_eq!(self.state(), before);
        error
    }

    fn try_uninstall(&self, force: bool) -> anyhow::Result<()> {
        Uninstall { force, tree: self.root() }.run(&Host::real())
    }

    fn uninstall(&self) {
        self.try_uninstall(false).unwrap();
    }

    fn account(&self) -> PathBuf {
        self.dir.path().join("account")
    }

    /// Every path of the node with mode and content.
    fn state(&self) -> BTreeMap<PathBuf, (u32, Option<String>)> {
        let mut all = BTreeMap::new();
        let mut open = vec![self.at("")];
        while let Some(path) = open.pop() {
            let metadata = fs::symlink_metadata(&path).unwrap();
            if metadata.is_dir() {
                open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            }
            let content = metadata.is_file().then(|| fs::read_to_string(&path).unwrap());
            all.insert(path, (metadata.permissions().mode(), content));
        }
        all
    }

    /// Of every path: which file it is, and when it was changed.
    fn times(&self) -> Vec<(PathBuf, u64, i64, i64)> {
        let paths = self.state().into_keys();
        let of = |path: PathBuf| {
            let metadata = fs::symlink_metadata(&path).unwrap();
            (path, metadata.ino(), metadata.mtime(), metadata.mtime_nsec())
        };
        paths.map(of).collect()
    }
}

#[test]
fn uninstall_leaves_the_node_as_it_was() {
    let node = Node::new();
    let before = node.state();
    node.install();
    for plugin in ["sriov", "vhostuser", "ovn", "multus-lite"] {
        let path = node.at(BIN).join(plugin);
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("program {plugin}"));
        assert_eq!(fs::metadata(path).unwrap().mode() & 0o7777, 0o755);
    }
    assert_eq!(fs::metadata(node.at(TOKEN)).unwrap().mode() & 0o7777, 0o600);
    node.uninstall();
    assert_eq!(node.state(), before);
    node.uninstall();
    assert_eq!(node.state(), before);
}

#[test]
fn directories_that_were_made_are_taken_away() {
    let node = Node::new();
    fs::remove_dir_all(node.at("opt")).unwrap();
    let before = node.state();
    node.install();
    assert!(node.at(BIN).join("sriov").exists());
    node.uninstall();
    assert_eq!(node.state(), before);
}

#[test]
fn the_first_other_network_becomes_the_first_one_of_multus_lite() {
    let node = Node::new();
    node.write("root/etc/cni/net.d/05-notes.txt", "no network");
    node.write("root/etc/cni/net.d/01-old.conf", r#"{"name": "old", "type": "multus-shim"}"#);
    node.write("root/etc/cni/net.d/20-other.conf", r#"{"name": "other", "type": "ptp"}"#);
    node.install();
    let conf = node.json(CONF);
    assert_eq!(conf["type"], "multus-lite");
    assert_eq!(conf["clusterNetwork"], "/etc/cni/net.d/10-bridge.conflist");
    assert_eq!(conf["kubeconfig"], "/etc/cni/net.d/multus-lite.d/kubeconfig");
    let kubeconfig = node.json("etc/cni/net.d/multus-lite.d/kubeconfig");
    assert_eq!(kubeconfig["clusters"][0]["cluster"]["server"], "https://[fd00::1]:6443");
}

#[test]
fn without_the_option_there_are_only_plugins() {
    let node = Node::new();
    node.try_install(false).unwrap();
    assert!(node.at(BIN).join("multus-lite").exists());
    assert!(!node.at(CONF).exists());
    // What was there stays.
    node.install();
    node.try_install(false).unwrap();
    assert!(node.at(CONF).exists());
}

#[test]
fn multus_lite_is_refused_where_it_would_not_be_used() {
    let node = Node::new();
    node.write("root/etc/cni/net.d/00-a.conf", r#"{"name": "a", "type": "bridge"}"#);
    let error = node.refusal();
    assert!(error.contains("00-a.conf comes before"), "{error}");
    fs::remove_file(node.at(NET).join("00-a.conf")).unwrap();

    fs::remove_file(node.at(NET).join("10-bridge.conflist")).unwrap();
    let error = node.refusal();
    assert!(error.contains("install the cluster's own first"), "{error}");
}

#[test]
fn a_second_install_touches_nothing() {
    let node = Node::new();
    node.install();
    let before = node.times();
    node.install();
    assert_eq!(node.times(), before);
}

#[test]
fn a_program_that_runs_is_replaced() {
    let node = Node::new();
    fs::copy("/bin/sleep", node.dir.path().join("image/sriov")).unwrap();
    node.try_install(false).unwrap();
    let placed = node.at(BIN).join("sriov");
    let mut running = Running(start(&placed));
    let busy = fs::write(&placed, "over it").unwrap_err();
    assert_eq!(busy.kind(), std::io::ErrorKind::ExecutableFileBusy);

    node.write("image/sriov", "the next release");
    node.try_install(false).unwrap();
    assert_eq!(fs::read_to_string(&placed).unwrap(), "the next release");
    assert!(running.0.try_wait().unwrap().is_none(), "it has ended");
}

#[expect(clippy::disallowed_methods, reason = "the program that is replaced")]
fn start(program: &Path) -> Child {
    Command::new(program).arg("600").spawn().unwrap()
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn another_ones_file_is_never_overwritten() {
    let node = Node::new();
    node.write("root/opt/cni/bin/vhostuser", "another's");
    let error = node.refusal();
    assert!(error.contains("/opt/cni/bin/vhostuser is there already"), "{error}");
    fs::remove_file(node.at(BIN).join("vhostuser")).unwrap();

    symlink("bridge", node.at(BIN).join("sriov")).unwrap();
    let error = node.refusal();
    assert!(error.contains("/opt/cni/bin/sriov is there already"), "{error}");
}

#[test]
fn the_same_file_placed_by_another_hand_stays() {
    let node = Node::new();
    let by_hand = node.at(BIN).join("sriov");
    node.write("root/opt/cni/bin/sriov", "program sriov");
    fs::set_permissions(&by_hand, fs::Permissions::from_mode(0o755)).unwrap();
    let before = node.state();
    node.install();
    node.uninstall();
    assert_eq!(node.state(), before);
}

#[test]
fn what_somebody_has_changed_is_neither_replaced_nor_removed() {
    let node = Node::new();
    node.install();
    node.write(&format!("root/{CONF}"), "{}");
    let error = node.refusal();
    assert!(error.contains("00-multus-lite.conf was changed"), "{error}");
    node.uninstall();
    assert_eq!(node.read(CONF), "{}");
    assert!(!node.at(TOKEN).exists());
    assert!(!node.at(RECORD).exists());
}

#[test]
fn plugins_stay_while_pods_are_attached() {
    let node = Node::new();
    node.install();
    node.write("root/var/lib/fastpath/sriov/0000:03:02.0@pod:net1.json", "{}");
    let before = node.state();
    let error = format!("{:#}", node.try_uninstall(false).unwrap_err());
    assert!(error.contains("the first is pod:net1"), "{error}");
    assert_eq!(node.state(), before);
    node.try_uninstall(true).unwrap();
    assert!(!node.at(BIN).join("sriov").exists());
    assert!(node.at("var/lib/fastpath/sriov").exists());
}

#[test]
fn one_installs_while_the_others_wait() {
    let node = Node::new();
    let turn = Turn::take(&node.at("var/lib/fastpath")).unwrap();
    let error = format!("{:#}", node.try_install(true).unwrap_err());
    assert!(error.contains("another install or uninstall"), "{error}");
    drop(turn);
    node.install();
}

#[test]
fn the_token_is_renewed_when_it_has_changed() {
    let node = Node::new();
    let refresh = || refresh_token(&node.host(), &node.account()).unwrap();
    let before = node.state();
    assert!(!refresh());
    assert_eq!(node.state(), before);

    // The record names paths of the host; here the node's are below its root.
    node.install();
    let record = node.read(RECORD).replace("\"/", &format!("\"{}/", node.at("").display()));
    fs::write(node.at(RECORD), record.replace("root//", "root/")).unwrap();
    let times = node.times();
    assert!(!refresh());
    assert_eq!(node.times(), times);

    node.write("account/token", "second token");
    assert!(refresh());
    assert_eq!(node.read(TOKEN), "second token");
    assert_eq!(fs::metadata(node.at(TOKEN)).unwrap().mode() & 0o7777, 0o600);
    assert!(!refresh());

    // An uninstallation that was interrupted here.
    fs::remove_file(node.at(TOKEN)).unwrap();
    assert!(!refresh());
    assert!(!node.at(TOKEN).exists());
}
