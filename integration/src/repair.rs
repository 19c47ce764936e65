//! `node-agent repair`, as an operator calls it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use testkit::cni::{Plugin, bin_dir};
use testkit::kill::{Point, Report, Victim, killed_anywhere};
use testkit::netns::Netns;

use crate::{first_use, test_ipam, with};

/// What became of a pass.
#[derive(Debug)]
pub struct Repaired {
    /// Its exit status.
    pub status: Option<i32>,
    /// What it found, as `--json` prints it.
    pub findings: Vec<Value>,
}

/// One pass that gives runtimes no time, unless `options` say `--grace`. Plugins are those under test, the
/// suites' IPAM, and Debian's.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "tests run what they test")]
pub fn repair(options: &[&str]) -> Repaired {
    pass(&mut Command::new(bin_dir().join("node-agent")), options)
}

/// The same inside a network namespace, as on another host.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "tests run what they test")]
pub fn repair_inside(netns: &Netns, options: &[&str]) -> Repaired {
    let mut command = Command::new("nsenter");
    command.arg(format!("--net={}", netns.path())).arg(bin_dir().join("node-agent"));
    pass(&mut command, options)
}

fn pass(node_agent: &mut Command, options: &[&str]) -> Repaired {
    let path = format!("{}:{}:/usr/lib/cni", bin_dir().display(), test_ipam());
    let output = node_agent
        .args(["repair", "--json", "--cni-path", &path])
        .args(if options.contains(&"--grace") { &[][..] } else { &["--grace", "0"] })
        .args(options)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let told: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {said}"));
    let findings = told["findings"].as_array().unwrap().clone();
    Repaired { status: output.status.code(), findings }
}

impl Repaired {
    /// `KIND OBJECT OUTCOME` of each finding.
    #[must_use]
    pub fn told(&self) -> Vec<String> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let line = |f: &Value| [&f["kind"], &f["object"], &f["outcome"]].map(text).join(" ");
        self.findings.iter().map(line).collect()
    }

    /// Why the only finding could not be put right.
    #[must_use]
    pub fn why(&self) -> &str {
        assert_eq!((self.status, self.findings.len()), (Some(1), 1), "{self:?}");
        self.findings[0]["why"].as_str().unwrap()
    }
}

/// What there is to do is told by a pass that changes nothing, done by the next, and not found by a third.
#[track_caller]
pub fn repairs(state: impl Fn() -> String, objects: &[&str]) {
    repairs_by(repair, state, objects);
}

/// The same by passes that `repair` makes.
#[track_caller]
pub fn repairs_by(
    repair: impl Fn(&[&str]) -> Repaired,
    state: impl Fn() -> String,
    objects: &[&str],
) {
    let everything = || (state(), files());
    let before = everything();
    let would = repair(&["--dry-run"]);
    let expected = |outcome: &str| -> Vec<String> {
        objects.iter().map(|object| format!("{object} {outcome}")).collect()
    };
    assert_eq!((would.status, would.told()), (Some(0), expected("would")), "{would:?}");
    assert_eq!(everything(), before, "a dry run changes nothing");
    let done = repair(&[]);
    assert_eq!((done.status, done.told()), (Some(0), expected("done")), "{done:?}");
    let after = everything();
    let again = repair(&[]);
    assert_eq!((again.status, again.told()), (Some(0), vec![]), "{again:?}");
    assert_eq!(everything(), after, "a second pass changes nothing");
}

/// Every file of ours, with what is in it.
fn files() -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut dirs =
        ["/var/lib/fastpath", "/run/fastpath", "/run/testipam"].map(PathBuf::from).to_vec();
    while let Some(dir) = dirs.pop() {
        for path in fs::read_dir(dir).into_iter().flatten().map(|entry| entry.unwrap().path()) {
            let is_dir = path.symlink_metadata().unwrap().is_dir();
            // A socket cannot be read.
            files.insert(path.clone(), fs::read(&path).unwrap_or_default());
            dirs.extend(is_dir.then_some(path));
        }
    }
    files
}

/// Writes another boot id into the only record of a plugin, as it looks after a reboot.
pub fn reboot(records: &str) {
    let record = Path::new(records).join(&crate::listing(records)[0]);
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let text = fs::read_to_string(&record).unwrap();
    fs::write(&record, text.replace(boot.trim(), "00000000-0000-0000-0000-000000000000")).unwrap();
}

/// ADD and DEL of one configuration, killed at every point that `select` wants, in a namespace that lives
/// on: one pass has to bring the host back to `state`. Where the kill came before the first or after the
/// last step, the attachment is in use and whole.
pub fn kill_and_repair(
    name: &str,
    plugin: &Plugin,
    conf: &Value,
    netns: &str,
    select: impl Fn(&Point) -> bool + Copy,
    state: impl Fn() -> String + Copy,
) -> [Report; 2] {
    let call = |verb: &str| -> Victim { plugin.victim(verb, conf, "victim", "net1", netns) };
    let add = || {
        first_use();
        plugin.add(conf, "victim", "net1", netns).expect_ok()
    };
    let del = || drop(plugin.del(conf, "victim", "net1", netns).expect_ok());
    let before = state();
    let result = add();
    del();
    let attached = with(conf, &json!({"prevResult": result}));
    let recover = || {
        let pass = repair(&[]);
        assert_eq!(pass.status, Some(0), "{pass:?}");
        assert!(repair(&[]).findings.is_empty());
        if state() != before {
            assert!(pass.findings.is_empty(), "{pass:?}");
            plugin.check(&attached, "victim", "net1", netns).expect_ok();
            del();
        }
    };
    let add = || drop(add());
    [
        killed_anywhere(
            &format!("{name}: ADD, then repair"),
            select,
            first_use,
            || call("ADD"),
            recover,
            state,
        ),
        killed_anywhere(
            &format!("{name}: DEL, then repair"),
            select,
            add,
            || call("DEL"),
            recover,
            state,
        ),
    ]
}
