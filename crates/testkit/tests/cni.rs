//! Running a plugin, with a shell script in the place of one.

#![expect(clippy::unwrap_used, reason = "a test's helpers unwrap as its tests do")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use testkit::cni::{self, Output};
use testkit::kill::{Outcome, Victim};

fn script(dir: &Path, text: &str) -> Victim {
    let program = dir.join("plugin");
    fs::write(&program, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    Victim::new(program)
}

fn run(text: &str) -> Output {
    let dir = TempDir::new().unwrap();
    let mut victim = script(dir.path(), text);
    victim.env.push(("CNI_COMMAND".into(), "ADD".into()));
    victim.stdin = br#"{"name":"net"}"#.to_vec();
    cni::run(&victim)
}

#[test]
fn gives_the_plugin_its_environment_and_input() {
    let output = run(r#"printf '{"command": "%s", "conf": %s}' $CNI_COMMAND "$(/bin/cat)""#);
    assert_eq!(output.expect_ok(), json!({"command": "ADD", "conf": {"name": "net"}}));
}

#[test]
fn success_may_be_silent() {
    assert!(run("echo a log line >&2").expect_ok().is_null());
}

#[test]
fn an_error_has_code_message_and_details() {
    let output =
        run(r#"echo '{"cniVersion":"1.1.0","code":7,"msg":"no","details":"why"}'; exit 1"#);
    assert_eq!(output.expect_error(7), ("no".into(), "why".into()));
}

#[test]
#[should_panic(expected = "should have succeeded: exit code 1\nstdout: x\nstderr: y")]
fn a_failure_shows_what_was_printed() {
    run("echo x; echo y >&2; exit 1").expect_ok();
}

#[test]
#[should_panic(expected = "hung")]
fn a_hang_is_a_failure() {
    let dir = TempDir::new().unwrap();
    let mut victim = script(dir.path(), "exec /bin/sleep 1000");
    victim.deadline = Duration::from_millis(200);
    drop(cni::run(&victim));
}

#[test]
fn the_same_call_can_be_killed() {
    let dir = TempDir::new().unwrap();
    let victim = script(dir.path(), "echo result");
    assert_eq!(cni::run(&victim).stdout, "result\n");
    assert_eq!(victim.kill_at(0).outcome, Outcome::KilledAt(0));
}
