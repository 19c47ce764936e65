//! What needs namespaces runs in a process of its own, which `unshare` gives fresh ones.

#![expect(clippy::unwrap_used, reason = "a test's helpers unwrap as its tests do")]
#![expect(clippy::disallowed_methods, reason = "starts itself again under unshare")]

use std::panic::catch_unwind;
use std::path::Path;
use std::process::{Command, Output};

use testkit::kill::{Outcome, Victim};
use testkit::netns::{Netns, private_mounts};
use testkit::witness::{ip_json, sysfs};

fn unshare(flags: &str, command: &[&str]) -> Output {
    let mut unshare = Command::new("unshare");
    unshare.args([flags, "--propagation", "private"]).args(command).output().unwrap()
}

#[test]
fn in_namespaces_of_its_own() {
    // Without root, as the root of a user namespace.
    let Some(flags) = ["-mn", "-rmn"].into_iter().find(|f| unshare(f, &["true"]).status.success())
    else {
        testkit::skip!("unshare makes no namespaces here, not even a user namespace");
    };
    let test = std::env::current_exe().unwrap();
    let test = test.to_str().unwrap();
    let inner = unshare(flags, &[test, "--ignored", "--test-threads=1"]);
    let stdout = String::from_utf8_lossy(&inner.stdout);
    assert!(inner.status.success(), "{stdout}{}", String::from_utf8_lossy(&inner.stderr));
    assert!(stdout.contains("3 passed"), "{stdout}");
}

#[test]
#[ignore = "in_namespaces_of_its_own runs it"]
fn a_namespace_is_gone_after_a_panic() {
    private_mounts(&["/run"]);
    let netns = Netns::new();
    let path = netns.path().to_owned();
    assert!(Path::new(&path).exists());
    assert!(netns.exec(&["ip", "link"]).contains("lo:"));
    netns.ip(&["link", "add", "veth0", "type", "veth", "peer", "veth1"]);
    let link = ip_json(Some(netns.name()), &["link", "show", "dev", "veth0"]);
    assert_eq!(link[0]["linkinfo"]["info_kind"], "veth");
    assert!(
        catch_unwind(move || {
            let _netns = netns;
            panic!("as a failing test does");
        })
        .is_err()
    );
    assert!(!Path::new(&path).exists());
}

#[test]
#[ignore = "in_namespaces_of_its_own runs it"]
fn hides_what_is_the_hosts() {
    private_mounts(&["/run", "/opt"]);
    private_mounts(&["/opt"]);
    assert_eq!(std::fs::read_dir("/opt").unwrap().count(), 0);
    assert!(sysfs("/proc/self/mounts").matches(" /opt tmpfs").count() == 1);
}

#[test]
#[ignore = "in_namespaces_of_its_own runs it"]
fn a_netlink_message_is_a_point() {
    private_mounts(&["/run"]);
    let mut victim =
        Victim::new("/bin/sh").args(["-c", "exec ip link add veth7 type veth peer veth8"]);
    victim.env.push(("PATH".into(), "/usr/sbin:/usr/bin:/sbin:/bin".into()));
    let seen = victim.observe();
    assert_eq!(seen.outcome, Outcome::Exited(0), "{seen}");
    let links = || ip_json(None, &["link", "show"]).to_string();
    assert!(links().contains("veth7"));
    drop(Command::new("ip").args(["link", "del", "veth7"]).output());
    let sends = seen.points.iter().map(ToString::to_string);
    let n = sends.into_iter().rposition(|point| point == "sendmsg netlink RTM_NEWLINK").unwrap();
    assert_eq!(victim.kill_at(n).outcome, Outcome::KilledAt(n));
    assert!(!links().contains("veth7"));
}
