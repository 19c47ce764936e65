//! What the black-box suites share: plugins of their own, and what is left on the host.

#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "helpers of tests: a panic with its line is the report"
)]

pub mod examples;
pub mod http;
pub mod marker;
pub mod repair;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde_json::{Value, json};
use testkit::kill::{Point, Report, Victim, killed_anywhere};

/// Where the records of the sriov plugin are.
pub const RECORDS: &str = "/var/lib/fastpath/sriov";
const OTHER_RECORDS: [&str; 3] =
    ["/var/lib/fastpath/multus-lite", "/var/lib/fastpath/vhostuser", "/var/lib/fastpath/ovn"];
/// Where stand-alone attachments of the vhostuser plugin have their directories.
pub const SOCKETS: &str = "/run/fastpath/vhostuser";
const LEASES: &str = "/run/testipam";

/// An IPAM plugin of a few lines: each lease is a file, each change one call, so that the kill
/// harness sees the same points in every run (Go programs start threads as they like).
const IPAM: &str = r#"#!/bin/sh
read -r _ || :
lease=/run/testipam/$CNI_CONTAINERID:$CNI_IFNAME
case $CNI_COMMAND in
ADD) mkdir -p /run/testipam; : > /run/testipam/.new; mv /run/testipam/.new "$lease"
     echo '{"cniVersion":"1.1.0","ips":[{"address":"10.9.0.2/24","gateway":"10.9.0.1"}],"routes":[{"dst":"10.8.0.0/16"}]}';;
DEL) rm -f "$lease" /run/testipam/.new;;
CHECK) [ -e "$lease" ];;
GC) rm -f /run/testipam/*:* /run/testipam/.new;;
esac
"#;

/// Installs the IPAM plugin `testipam` and returns its directory, for `CNI_PATH`.
#[must_use]
pub fn test_ipam() -> String {
    let dir = PathBuf::from("/run/testipam-bin");
    fs::create_dir_all(&dir).unwrap();
    let file = dir.join("testipam");
    if !file.exists() {
        // Renamed into place: a fork of another thread must not find it open for writing.
        let new = dir.join("new");
        fs::write(&new, IPAM).unwrap();
        fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).unwrap();
        fs::rename(new, file).unwrap();
    }
    dir.display().to_string()
}

/// Tells what happens in a test that is a demonstration, too, and when.
#[expect(clippy::print_stdout, reason = "the demonstration shows these lines")]
pub fn say(start: Instant, text: &str) {
    println!("[{:5.1} s] {text}", start.elapsed().as_secs_f64());
}

/// Runs a program of the test's surroundings; panics with its output when it fails.
#[expect(clippy::disallowed_methods, reason = "tests run what they need")]
pub fn run(program: &str, args: &[&str]) {
    let output = Command::new(program).args(args).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&said));
}

/// Names of what a directory holds, sorted; nothing where it is absent.
#[must_use]
pub fn listing(dir: impl AsRef<Path>) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .map(|entries| entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect())
        .unwrap_or_default();
    names.sort();
    names
}

/// Records, leases and directories of sockets, as they may be left behind.
#[must_use]
pub fn leftovers() -> String {
    let leases: Vec<String> =
        listing(LEASES).into_iter().filter(|name| name.contains(':')).collect();
    let records = [RECORDS].into_iter().chain(OTHER_RECORDS).flat_map(listing);
    let records: Vec<_> = records.collect();
    format!("records {records:?}\nleases {leases:?}\nsockets {:?}\n", listing(SOCKETS))
}

/// `base` with these keys added or replaced.
#[must_use]
pub fn with(base: &Value, keys: &Value) -> Value {
    let mut conf = base.clone();
    for (key, value) in keys.as_object().unwrap() {
        conf[key] = value.clone();
    }
    conf
}

/// The GC call that finds no attachment of the configuration's network valid.
#[must_use]
pub fn nothing_valid(conf: &Value) -> Value {
    with(conf, &json!({"cniVersion": "1.1.0", "cni.dev/valid-attachments": []}))
}

/// As on a host that never saw an attachment, so that every run makes the same directories and loads
/// the same modules.
fn first_use() {
    if Path::new("/sys/module/vfio_pci").exists() {
        run("modprobe", &["-r", "vfio-pci", "vfio_iommu_type1"]);
    }
    for dir in ["/run/fastpath", "/var/lib/fastpath", LEASES] {
        assert!(!Path::new(dir).exists() || fs::remove_dir_all(dir).is_ok(), "remove {dir}");
    }
}

/// ADD and DEL of one configuration, killed at every point that `select` wants; after each death DEL
/// and, separately, GC has to bring the host back to `state`.
pub fn kill_add_and_del(
    name: &str,
    plugin: &testkit::cni::Plugin,
    conf: &Value,
    netns: &str,
    select: impl Fn(&Point) -> bool + Copy,
    state: impl Fn() -> String + Copy,
) -> Vec<Report> {
    let call = |verb: &str| -> Victim { plugin.victim(verb, conf, "victim", "net1", netns) };
    let add = || {
        first_use();
        plugin.add(conf, "victim", "net1", netns).expect_ok();
    };
    let del = || drop(plugin.del(conf, "victim", "net1", netns).expect_ok());
    let gc = || drop(plugin.gc(&nothing_valid(conf)).expect_ok());
    // The first probe of a VF's driver settles its MAC with one request more than later ones.
    let before = state();
    add();
    del();
    assert_eq!(state(), before, "{name}");
    vec![
        killed_anywhere(
            &format!("{name}: ADD, then DEL"),
            select,
            first_use,
            || call("ADD"),
            del,
            state,
        ),
        killed_anywhere(
            &format!("{name}: ADD, then GC"),
            select,
            first_use,
            || call("ADD"),
            gc,
            state,
        ),
        killed_anywhere(&format!("{name}: DEL, then DEL"), select, add, || call("DEL"), del, state),
        killed_anywhere(&format!("{name}: DEL, then GC"), select, add, || call("DEL"), gc, state),
    ]
}
