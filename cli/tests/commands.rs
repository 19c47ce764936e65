//! The commands, run as a user runs them, with fake plugins: shell scripts that note their calls.
#![expect(clippy::unwrap_used, reason = "it is all test code")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

const PLUGIN: &str = r#"#!/bin/sh
cd "$(dirname "$0")"
input=$(cat)
echo "$CNI_COMMAND $CNI_CONTAINERID $CNI_IFNAME" >>log
printf '%s' "$input" >"stdin.$CNI_COMMAND"
env | grep ^CNI_ >"env.$CNI_COMMAND"
if [ -e "fail.$CNI_COMMAND.$CNI_IFNAME" ]; then
  echo '{"cniVersion":"1.1.0","code":11,"msg":"pool is full","details":"no VF is left; wait for a pod to end"}'
  exit 1
fi
[ "$CNI_COMMAND" = ADD ] || exit 0
cat <<END
{"cniVersion":"1.1.0",
 "interfaces":[{"name":"host0"},{"name":"$CNI_IFNAME","mac":"02:00:00:00:00:01","sandbox":"$CNI_NETNS",
                "pciID":"0000:af:06.0","socketPath":"/run/s"}],
 "ips":[{"address":"10.0.0.5/24","interface":1},{"address":"fd00::5/64","interface":1}]}
END
"#;

/// A directory with a plugin, a namespace file and the networks `red` and `blue`.
struct Host {
    dir: TempDir,
}

/// What a command printed and how it ended.
struct Ran {
    success: bool,
    stdout: String,
    stderr: String,
}

impl Host {
    fn new() -> Self {
        let host = Self { dir: TempDir::new().unwrap() };
        host.write("fake", PLUGIN);
        fs::set_permissions(host.file("fake"), fs::Permissions::from_mode(0o755)).unwrap();
        host.write("netns", "");
        for network in ["red", "blue"] {
            let conf = json!({"cniVersion": "1.1.0", "name": network, "type": "fake",
                              "capabilities": {"deviceID": true}});
            host.write(network, &conf.to_string());
        }
        host
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn path(&self, name: &str) -> String {
        self.file(name).display().to_string()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.file(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap_or_default()
    }

    /// The calls of the plugin since the last time.
    fn calls(&self) -> Vec<String> {
        let calls = self.read("log").lines().map(str::to_owned).collect();
        self.write("log", "");
        calls
    }

    #[expect(clippy::disallowed_methods, reason = "a black-box test runs the program")]
    fn run(&self, args: &[&str]) -> Ran {
        let output = Command::new(env!("CARGO_BIN_EXE_fastpath"))
            .args(args)
            .arg("--cache-dir")
            .arg(self.file("cache"))
            .env("CNI_PATH", self.dir.path())
            .output()
            .unwrap();
        Ran {
            success: output.status.success(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Attaches `IFNAME=NETWORK` pairs to container c1.
    fn attach(&self, interfaces: &[&str], more: &[&str]) -> Ran {
        let netns = self.path("netns");
        let interfaces: Vec<_> = interfaces
            .iter()
            .map(|pair| pair.split_once('=').unwrap())
            .map(|(ifname, network)| format!("{ifname}={}", self.path(network)))
            .collect();
        let mut args = vec!["attach", "--netns", &netns, "--id", "c1"];
        args.extend(interfaces.iter().map(String::as_str));
        args.extend(more);
        self.run(&args)
    }

    fn attached(&self, interfaces: &[&str]) {
        let ran = self.attach(interfaces, &[]);
        assert!(ran.success, "{}", ran.stderr);
        self.calls();
    }

    fn cached(&self) -> usize {
        fs::read_dir(self.file("cache/results")).map_or(0, Iterator::count)
    }
}

impl Ran {
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap()
    }

    fn refused(&self, words: &str) {
        assert!(!self.success && self.stderr.contains(words), "{}", self.stderr);
    }
}

#[test]
fn attach_prints_a_line_for_each_interface() {
    let host = Host::new();
    let ran = host.attach(&["net1=red", "net2=blue"], &[]);
    assert!(ran.success && ran.stderr.is_empty(), "{}", ran.stderr);
    assert_eq!(host.calls(), ["ADD c1 net1", "ADD c1 net2"]);
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 2);
    let words: Vec<_> = lines[0].split_whitespace().collect();
    let expected = ["net1", "red", "02:00:00:00:00:01", "10.0.0.5/24,fd00::5/64", "pci"];
    assert_eq!(words[..5], expected);
    assert_eq!(words[5..8], ["0000:af:06.0", "socket", "/run/s"]);
    assert_eq!(words[9], "ms");
}

#[test]
fn attach_hands_over_arguments_and_declared_capabilities() {
    let host = Host::new();
    let capabilities = r#"{"deviceID":"0000:af:06.0","mac":"m"}"#;
    host.attach(&["net1=red"], &["--args", "A=1;B=x=y", "--capabilities", capabilities]);
    let stdin: Value = serde_json::from_str(&host.read("stdin.ADD")).unwrap();
    assert_eq!(stdin["runtimeConfig"], json!({"deviceID": "0000:af:06.0"}));
    let env = host.read("env.ADD");
    assert!(env.contains("CNI_ARGS=A=1;B=x=y\n"), "{env}");
    assert!(env.contains(&format!("CNI_NETNS={}\n", host.path("netns"))), "{env}");
}

#[test]
fn a_failed_attach_takes_back_the_interfaces_before() {
    let host = Host::new();
    host.write("fail.ADD.net2", "");
    let ran = host.attach(&["net1=red", "net2=blue", "net3=red"], &[]);
    ran.refused("net2 (blue): pool is full");
    ran.refused("code 11 (try again later)");
    ran.refused("no VF is left; wait for a pod to end");
    assert!(ran.stdout.starts_with("net1") && ran.stdout.contains("detached"), "{}", ran.stdout);
    assert_eq!(host.calls(), ["ADD c1 net1", "ADD c1 net2", "DEL c1 net2", "DEL c1 net1"]);
    assert_eq!(host.cached(), 0);
}

#[test]
fn attach_validates_everything_before_the_first_plugin() {
    let host = Host::new();
    host.write("broken", "{");
    host.attach(&["net1=red", "net2=broken"], &[]).refused("decode");
    host.attach(&["net1=red", "net2=missing"], &[]).refused("missing");
    host.attach(&["net1=red", "net1=blue"], &[]).refused("named twice");
    host.attach(&["net1=red", "a/b=blue"], &[]).refused("CNI_IFNAME");
    host.attach(&["net1=red"], &["--args", "x"]).refused("CNI_ARGS");
    host.attach(&["net1=red"], &["--capabilities", "[]"]).refused("JSON object");
    fs::remove_file(host.file("netns")).unwrap();
    host.attach(&["net1=red"], &[]).refused("no network namespace");
    assert!(host.calls().is_empty());
}

#[test]
fn attaching_the_same_interface_twice_leaves_the_first() {
    let host = Host::new();
    host.attached(&["net1=red"]);
    host.attach(&["net1=blue"], &[]).refused("already has net1");
    assert!(host.calls().is_empty());
    assert_eq!(host.cached(), 1);
}

#[test]
fn detach_takes_all_interfaces_newest_first() {
    let host = Host::new();
    host.attached(&["net9=red", "net1=blue"]);
    // The configuration of the attachment counts, not what the file says now.
    fs::remove_file(host.file("red")).unwrap();
    fs::remove_file(host.file("netns")).unwrap();
    let ran = host.run(&["detach", "--id", "c1"]);
    assert!(ran.success, "{}", ran.stderr);
    assert_eq!(host.calls(), ["DEL c1 net1", "DEL c1 net9"]);
    let stdin: Value = serde_json::from_str(&host.read("stdin.DEL")).unwrap();
    assert_eq!(stdin["prevResult"]["interfaces"][1]["pciID"], "0000:af:06.0");
    assert_eq!(host.cached(), 0);
}

#[test]
fn detach_takes_the_named_interfaces_and_may_run_twice() {
    let host = Host::new();
    host.attached(&["net1=red", "net2=blue"]);
    for calls in [vec!["DEL c1 net1"], vec![]] {
        let ran = host.run(&["detach", "--netns", &host.path("netns"), "--id", "c1", "net1"]);
        assert!(ran.success, "{}", ran.stderr);
        assert_eq!(host.calls(), calls);
    }
    assert!(host.run(&["detach", "--id", "other"]).success);
    assert_eq!(host.cached(), 1);
}

#[test]
fn a_failed_detach_goes_on_and_can_be_repeated() {
    let host = Host::new();
    host.attached(&["net1=red", "net2=blue"]);
    host.write("fail.DEL.net2", "");
    host.run(&["detach", "--id", "c1"]).refused("net2 (blue): pool is full");
    assert_eq!(host.calls(), ["DEL c1 net2", "DEL c1 net1"]);
    fs::remove_file(host.file("fail.DEL.net2")).unwrap();
    assert!(host.run(&["detach", "--id", "c1"]).success);
    assert_eq!(host.calls(), ["DEL c1 net2"]);
}

#[test]
fn check_reports_every_interface() {
    let host = Host::new();
    host.attached(&["net1=red", "net2=blue"]);
    let ran = host.run(&["check", "--id", "c1"]);
    assert!(ran.success && ran.stdout.lines().all(|line| line.contains(" ok ")), "{}", ran.stdout);
    host.write("fail.CHECK.net1", "");
    let ran = host.run(&["check", "--id", "c1"]);
    ran.refused("net1 (red): pool is full");
    assert!(ran.stdout.starts_with("net2"), "{}", ran.stdout);
}

#[test]
fn check_of_what_is_not_attached_fails() {
    let host = Host::new();
    host.run(&["check", "--id", "c1"]).refused("nothing of c1 is attached");
    host.attached(&["net1=red"]);
    host.run(&["check", "--id", "c1", "net1", "net7"]).refused("not attached to c1: net7");
}

#[test]
fn gc_collects_what_has_no_namespace_and_says_so() {
    let host = Host::new();
    host.attached(&["net1=red", "net2=blue"]);
    let red = host.path("red");
    assert_eq!(host.run(&["gc", &red]).stdout, "red: nothing to collect\n");
    host.calls();
    fs::remove_file(host.file("netns")).unwrap();
    let ran = host.run(&["gc", &red]);
    assert!(ran.success, "{}", ran.stderr);
    assert_eq!(ran.stdout, "red: collected net1 of c1\n");
    assert_eq!(host.calls(), ["DEL c1 net1", "GC  "]);
    let stdin: Value = serde_json::from_str(&host.read("stdin.GC")).unwrap();
    assert_eq!(stdin["cni.dev/valid-attachments"], json!([]));
    assert_eq!(host.cached(), 1);
}

#[test]
fn every_command_prints_json() {
    let host = Host::new();
    let ran = host.attach(&["net1=red"], &["--json"]);
    let mut value = ran.json();
    assert!(value[0]["ms"].take().is_u64());
    assert_eq!(value[0]["result"]["interfaces"][1]["name"], "net1");
    assert_eq!(value[0]["state"], "attached");

    let ok = host.run(&["--json", "check", "--id", "c1"]).json();
    assert_eq!((&ok[0]["state"], &ok[0]["network"]), (&json!("ok"), &json!("red")));

    host.write("fail.DEL.net1", "");
    let failed = host.run(&["detach", "--id", "c1", "--json"]);
    assert!(!failed.success && failed.stderr.is_empty());
    assert_eq!(failed.json()[0]["error"]["code"], 11);
    fs::remove_file(host.file("fail.DEL.net1")).unwrap();

    let kept = host.run(&["gc", &host.path("red"), "--json"]).json();
    assert_eq!(kept, json!([{"network": "red", "collected": []}]));
    assert_eq!(host.run(&["detach", "--id", "c1", "--json"]).json()[0]["state"], "detached");
}

#[test]
fn a_missing_plugin_is_explained() {
    let host = Host::new();
    host.write("red", r#"{"cniVersion":"1.1.0","name":"red","type":"sriov"}"#);
    let ran = host.attach(&["net1=red"], &[]);
    ran.refused("plugin \"sriov\" not found");
    ran.refused(&host.dir.path().display().to_string());
    assert!(ran.stderr.lines().all(|line| line.len() <= 120), "{}", ran.stderr);
}

#[test]
fn attach_shows_what_a_dpdk_application_is_started_with() {
    let host = Host::new();
    for (dir, container, ifname) in [
        ("vhostuser/vh1", "c1", "net1"),
        ("slots/a/pod", "c1", "net2"),
        ("vhostuser/vh2", "c2", "net1"),
    ] {
        fs::create_dir_all(host.file("run").join(dir)).unwrap();
        let attachment =
            json!({"version": 1, "containerID": container, "ifname": ifname, "mtu": 1500});
        host.write(&format!("run/{dir}/attachment.json"), &attachment.to_string());
        host.write(&format!("run/{dir}/eal-args"), &format!("--vdev=virtio_user_{ifname}\n"));
    }
    host.write("run/vhostuser/rubbish", "");
    let ran = host.attach(&["eth0=red"], &["--run-dir", &host.path("run")]);
    assert!(ran.success, "{}", ran.stderr);
    let lines: Vec<_> = ran.stdout.lines().skip(1).collect();
    let expected = ["net1", "net2"]
        .map(|ifname| format!("{ifname:<15} {:<15} --vdev=virtio_user_{ifname}", "eal-args"));
    assert_eq!(lines, expected);
}
