//! Rules of the project that are tests.

#![expect(clippy::unwrap_used, reason = "a panic with its line is a test's report")]
#![expect(clippy::disallowed_methods, reason = "asks cargo")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Workspace members with everything they depend on, directly or not (tests' dependencies aside).
fn dependencies() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--filter-platform",
            "x86_64-unknown-linux-gnu",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let name_of: BTreeMap<&str, &str> = array(&metadata["packages"])
        .map(|p| (p["id"].as_str().unwrap(), p["name"].as_str().unwrap()))
        .collect();
    let direct: BTreeMap<&str, Vec<&str>> = array(&metadata["resolve"]["nodes"])
        .map(|node| {
            let normal = array(&node["deps"])
                .filter(|dep| array(&dep["dep_kinds"]).any(|kind| kind["kind"] != "dev"));
            (node["id"].as_str().unwrap(), normal.map(|d| d["pkg"].as_str().unwrap()).collect())
        })
        .collect();
    array(&metadata["workspace_members"])
        .map(|member| {
            let mut seen = vec![member.as_str().unwrap()];
            let mut next = 0;
            while let Some(id) = seen.get(next) {
                next += 1;
                let new: Vec<&str> =
                    direct[id].iter().filter(|d| !seen.contains(d)).copied().collect();
                seen.extend(new);
            }
            let names = seen.iter().skip(1).map(|id| name_of[id].to_owned()).collect();
            (name_of[seen[0]].to_owned(), names)
        })
        .collect()
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().unwrap().iter()
}

#[test]
fn the_arrows_point_from_programs_to_crates() {
    let all = dependencies();
    let forbidden = [
        ("vf", "cni"),
        ("podlink", "vf"),
        ("hostnet", "cni"),
        ("hostnet", "vf"),
        ("cni", "nix"),
        ("cni", "rtnetlink"),
        ("cni", "hostnet"),
        ("journal", "cni"),
        ("attachment", "hostnet"),
        ("ovsdb", "cni"),
        ("ovsdb", "hostnet"),
        ("apiserver", "hostnet"),
        ("apiserver", "npwg"),
        ("apiserver", "testkit"),
        ("sriov", "apiserver"),
        ("sriov", "kube"),
        ("sriov", "anyhow"),
        ("sriov", "testkit"),
        ("sriov", "ovsdb"),
        ("vhostuser", "apiserver"),
        ("vhostuser", "kube"),
        ("vhostuser", "anyhow"),
        ("vhostuser", "testkit"),
        ("vhostuser", "vf"),
        ("ovn", "apiserver"),
        ("ovn", "kube"),
        ("ovn", "anyhow"),
        ("ovn", "testkit"),
        ("ovn", "vf"),
        ("fastpath", "testkit"),
        ("npwg", "kube"),
        ("kubelet", "rustls"),
        ("kubelet", "cni"),
        ("policy", "kube"),
        ("policy", "cni"),
        ("policy", "hostnet"),
        ("policy", "tokio"),
        ("multus-lite", "vf"),
        ("multus-lite", "testkit"),
        ("testkit", "sriov"),
        ("testkit", "kubelet"),
        ("testkit", "hostnet"),
        ("testkit", "cni"),
    ];
    for (from, to) in forbidden {
        assert!(!all[from].iter().any(|name| name == to), "{from} depends on {to}");
    }
    let ours: Vec<&String> =
        all["frames"].iter().filter(|name| all.contains_key(name.as_str())).collect();
    assert!(ours.is_empty(), "frames depends on {ours:?}");
}

/// Asked for each alone, as it is built: in the workspace as a whole others turn features on.
#[test]
fn who_needs_no_tls_links_none() {
    for name in ["sriov", "vhostuser", "ovsdb"] {
        let tree = ["tree", "--locked", "--edges", "normal", "--prefix", "none", "--package", name];
        let output = Command::new(env!("CARGO")).args(tree).current_dir(root()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let tree = String::from_utf8(output.stdout).unwrap();
        assert!(tree.starts_with(name), "{tree}");
        assert!(!tree.lines().any(|line| line.starts_with("rustls ")), "{name}: {tree}");
    }
}

#[test]
fn every_error_code_is_documented() {
    let documented = fs::read_to_string(root().join("docs/errors.md")).unwrap();
    for (file, prefix) in [
        ("plugins/sriov/src/error.rs", "pub(crate) const "),
        ("crates/attachment/src/lib.rs", "pub const "),
        ("crates/attachment/src/failures.rs", "pub const "),
        ("crates/handover/src/error.rs", "pub const "),
        ("plugins/ovn/src/error.rs", "pub(crate) const "),
        ("multus-lite/src/error.rs", "pub(crate) const "),
        ("crates/cni/src/error.rs", "pub const "),
    ] {
        let source = fs::read_to_string(root().join(file)).unwrap();
        let codes: Vec<&str> = source
            .lines()
            .filter_map(|line| line.trim().strip_prefix(prefix)?.split_once(": u32 = "))
            .map(|(_, value)| value.trim_end_matches(';'))
            .collect();
        assert!(!codes.is_empty(), "{file} names no codes");
        for code in codes {
            let row = format!("| {code} |");
            assert!(documented.contains(&row), "docs/errors.md has no row {row} ({file})");
        }
    }
}

#[test]
fn every_program_has_a_readme() {
    for program in [
        "plugins/sriov",
        "plugins/vhostuser",
        "plugins/ovn",
        "multus-lite",
        "node-agent",
        "scheduler",
        "cli",
    ] {
        assert!(root().join(program).join("README.md").exists(), "{program}");
    }
}
