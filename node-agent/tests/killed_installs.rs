//! `node-agent install` and `uninstall`, killed at each call that changes something: both finish the work.

#![expect(clippy::unwrap_used, reason = "a panic with its line is a test's report")]

use std::fmt::Write;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;
use testkit::kill::{Outcome, Victim, killed_anywhere};

/// A node with a network, beside it two releases to be installed.
struct Node {
    dir: TempDir,
}

impl Node {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let write = |path: &str, content: &str| {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        };
        write("old/sriov", "the old release");
        write("old/multus-lite", "of both releases");
        write("new/sriov", "the new release");
        write("new/multus-lite", "of both releases");
        write("account/token", "a token");
        write("account/ca.crt", "a certificate");
        let network = r#"{"cniVersion": "1.0.0", "name": "lan", "type": "bridge"}"#;
        write("root/etc/cni/net.d/10-lan.conf", network);
        fs::create_dir_all(dir.path().join("root/var/lib")).unwrap();
        Self { dir }
    }

    fn victim(&self, args: &[&str]) -> Victim {
        let path = |name: &str| self.dir.path().join(name).into_os_string();
        let mut all: Vec<_> = args.iter().map(Into::into).collect();
        all.extend(["--host-root".into(), path("root")]);
        if args[0] == "install" {
            all.extend(["--service-account-dir".into(), path("account")]);
        }
        Victim {
            program: env!("CARGO_BIN_EXE_node-agent").into(),
            args: all,
            env: vec![("KUBERNETES_SERVICE_HOST".into(), "10.96.0.1".into())],
            stdin: Vec::new(),
            deadline: testkit::kill::DEADLINE,
        }
    }

    fn install(&self, release: &str) -> Victim {
        let from = self.dir.path().join(release).display().to_string();
        self.victim(&["install", "--multus-lite", "--from", &from])
    }

    fn uninstall(&self) -> Victim {
        self.victim(&["uninstall"])
    }

    /// Every path with its mode and content.
    fn state(&self) -> String {
        let mut text = String::new();
        describe(&self.dir.path().join("root"), &mut text);
        text
    }
}

fn describe(path: &Path, text: &mut String) {
    let metadata = fs::symlink_metadata(path).unwrap();
    let mode = metadata.permissions().mode();
    if !metadata.is_dir() {
        let content = fs::read_to_string(path).unwrap();
        return writeln!(text, "{} {mode:o} {content:?}", path.display()).unwrap();
    }
    writeln!(text, "{} {mode:o}", path.display()).unwrap();
    let mut inside: Vec<_> = fs::read_dir(path).unwrap().map(|e| e.unwrap().path()).collect();
    inside.sort();
    for path in inside {
        describe(&path, text);
    }
}

fn run(victim: &Victim) {
    let run = victim.observe();
    assert_eq!(run.outcome, Outcome::Exited(0), "{run}");
}

/// What an unharmed installation of a release leaves.
fn installed(node: &Node, release: &str) -> String {
    run(&node.install(release));
    let state = node.state();
    run(&node.uninstall());
    state
}

#[test]
fn a_killed_install_is_taken_away_by_uninstall() {
    let node = Node::new();
    let recover = || run(&node.uninstall());
    let victim = || node.install("new");
    killed_anywhere("install, uninstall", |_| true, || {}, victim, recover, || node.state())
        .assert_clean();
}

#[test]
fn a_killed_install_is_finished_by_the_next_one() {
    let node = Node::new();
    let complete = installed(&node, "new");
    let recover = || {
        run(&node.install("new"));
        assert_eq!(node.state(), complete);
        run(&node.uninstall());
    };
    let victim = || node.install("new");
    killed_anywhere("install, install", |_| true, || {}, victim, recover, || node.state())
        .assert_clean();
}

#[test]
fn a_killed_upgrade_is_finished_or_taken_away() {
    let node = Node::new();
    let setup = || run(&node.install("old"));
    let victim = || node.install("new");
    let plugin = node.dir.path().join("root/opt/cni/bin/sriov");
    let finish = || {
        run(&node.install("new"));
        assert_eq!(fs::read_to_string(&plugin).unwrap(), "the new release");
        run(&node.uninstall());
    };
    killed_anywhere("upgrade, install", |_| true, setup, victim, finish, || node.state())
        .assert_clean();
    let take_away = || run(&node.uninstall());
    killed_anywhere("upgrade, uninstall", |_| true, setup, victim, take_away, || node.state())
        .assert_clean();
}

#[test]
fn a_killed_uninstall_is_finished_or_undone() {
    let node = Node::new();
    let setup = || run(&node.install("new"));
    let victim = || node.uninstall();
    let finish = || run(&node.uninstall());
    killed_anywhere("uninstall, uninstall", |_| true, setup, victim, finish, || node.state())
        .assert_clean();
    let complete = installed(&node, "new");
    let undo = || {
        run(&node.install("new"));
        assert_eq!(node.state(), complete);
        run(&node.uninstall());
    };
    killed_anywhere("uninstall, install", |_| true, setup, victim, undo, || node.state())
        .assert_clean();
}
