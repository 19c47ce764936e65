//! `fastpath simulate` on its examples, whose tables docs/simulation.md shows.
#![expect(clippy::unwrap_used, reason = "it is all test code")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[expect(clippy::disallowed_methods, reason = "runs the tool as a user does")]
fn simulate(cluster: &str, trace: &str, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fastpath"));
    let files = repository().join("conf-examples/simulate");
    command.current_dir(files).args(["simulate", "--cluster", cluster, "--trace", trace]);
    command.args(more).output().unwrap()
}

#[test]
fn the_table_is_that_of_the_documentation() {
    let output = simulate("cluster-1000.yaml", "trace-1000.yaml", &[]);
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && table.contains("low-latency pods placed"), "{table}");
    let documented = fs::read_to_string(repository().join("docs/simulation.md")).unwrap();
    assert!(documented.contains(&table), "docs/simulation.md has another table than\n{table}");
}

/// The pods are those of the smaller cluster, for the time that a debug build takes.
#[test]
fn a_cluster_of_15000_nodes_is_no_trouble() {
    let directory = tempfile::tempdir().unwrap();
    let picture = directory.path().join("picture.svg");
    let svg = picture.display().to_string();
    let output = simulate("cluster-15000.yaml", "trace-1000.yaml", &["--svg", &svg]);
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && table.starts_with("15000 nodes "), "{table}");
    assert!(fs::read_to_string(&picture).unwrap().contains("15000 nodes "));
}

#[test]
fn a_bad_file_is_told_with_its_name() {
    let output = simulate("trace-1000.yaml", "trace-1000.yaml", &[]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && text.contains("trace-1000.yaml: "), "{text}");
    let output = simulate("cluster-1000.yaml", "nowhere.yaml", &[]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("read nowhere.yaml: No such file"), "{text}");
}
