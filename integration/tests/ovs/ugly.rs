//! What goes wrong on bad days.

use std::collections::BTreeSet;
use std::os::unix::net::UnixListener;
use std::thread;
use std::time::{Duration, Instant};

use integration::nothing_valid;
use serde_json::json;
use testkit::netns::Netns;
use testkit::wait::eventually;

use crate::bed::{BRIDGE, ovs};
use crate::pod::{conf, port_of, state, vhostuser};

const SOON: Duration = Duration::from_secs(5);

#[test]
fn twenty_at_once_have_sockets_of_their_own() {
    let (ovs, pod, plugin) = (ovs(), Netns::new(), vhostuser());
    let (before, conf) = (state(&ovs), conf(&json!({"vlan": 7})));
    let ids: Vec<String> = (0..20).map(|n| format!("many{n}")).collect();
    let sockets: BTreeSet<String> = thread::scope(|scope| {
        let add = |id| plugin.add(&conf, id, "net1", pod.path()).expect_ok();
        let all: Vec<_> = ids.iter().map(|id| scope.spawn(move || add(id))).collect();
        let socket = |result: serde_json::Value| {
            result["interfaces"][0]["socketPath"].as_str().unwrap().to_owned()
        };
        all.into_iter().map(|thread| socket(thread.join().unwrap())).collect()
    });
    assert_eq!(sockets.len(), 20);
    let rows = ovs.find("Interface", &["options"], &["type=dpdkvhostuserclient"]);
    let paths =
        rows.iter().map(|row| row["options"]["vhost-server-path"].as_str().unwrap().to_owned());
    assert_eq!(paths.collect::<BTreeSet<_>>(), sockets);
    thread::scope(|scope| {
        let del = |id| plugin.del(&conf, id, "net1", pod.path()).expect_ok();
        for id in &ids {
            scope.spawn(move || del(id));
        }
    });
    assert_eq!(state(&ovs), before);
}

#[test]
fn a_missing_bridge_and_one_of_the_kernel_are_named() {
    let (ovs, pod, plugin) = (ovs(), Netns::new(), vhostuser());
    ovs.vsctl(&["--no-wait", "add-br", "brk"]);
    let before = state(&ovs);
    let add = |bridge: &str| plugin.add(&conf(&json!({"bridge": bridge})), "a", "net1", pod.path());
    let (msg, details) = add("br9").expect_error(7);
    assert!(
        msg.contains("there is no bridge br9") && details.contains("createBridge"),
        "{msg}: {details}"
    );
    let (msg, _) = add("brk").expect_error(7);
    assert!(msg.contains("brk has datapath_type \"\", not netdev"), "{msg}");
    assert_eq!(state(&ovs), before);
    ovs.vsctl(&["--no-wait", "del-br", "brk"]);
}

#[test]
fn a_strangers_port_of_the_same_name_is_refused_and_stays() {
    let (ovs, pod, plugin) = (ovs(), Netns::new(), vhostuser());
    let conf = conf(&json!({}));
    plugin.add(&conf, "a", "net1", pod.path()).expect_ok();
    let port = port_of(&ovs, "a", "net1");
    plugin.del(&conf, "a", "net1", pod.path()).expect_ok();
    let stranger = ["add-port", BRIDGE, &port, "--", "set", "Interface", &port];
    let options = ["type=dpdkvhostuserclient", "options:vhost-server-path=/run/x"];
    ovs.vsctl(&[&stranger[..], &options].concat());
    let before = state(&ovs);
    let (msg, _) = plugin.add(&conf, "a", "net1", pod.path()).expect_error(7);
    assert!(msg.contains(&format!("a port {port} that is not ours")), "{msg}");
    plugin.del(&conf, "a", "net1", pod.path()).expect_ok();
    assert_eq!(state(&ovs), before);
    ovs.vsctl(&["del-port", BRIDGE, &port]);
}

#[test]
fn a_port_that_an_earlier_attachment_left_is_made_anew() {
    let (ovs, pod, plugin) = (ovs(), Netns::new(), vhostuser());
    let before = state(&ovs);
    plugin.add(&conf(&json!({"vlan": 7})), "a", "net1", pod.path()).expect_ok();
    std::fs::remove_dir_all("/var/lib/fastpath/vhostuser").unwrap();
    std::fs::remove_dir_all(integration::SOCKETS).unwrap();
    let conf = conf(&json!({"vlan": 8}));
    plugin.add(&conf, "a", "net1", pod.path()).expect_ok();
    let port = port_of(&ovs, "a", "net1");
    assert_eq!(ovs.find("Port", &["tag"], &[&format!("name={port}")]), [json!({"tag": 8})]);
    plugin.del(&conf, "a", "net1", pod.path()).expect_ok();
    assert_eq!(state(&ovs), before);
}

#[test]
fn no_database_is_a_reason_to_try_again() {
    let (ovs, pod, plugin) = (ovs(), Netns::new(), vhostuser());
    let before = state(&ovs);
    let add = |path: &str| {
        plugin.add(&conf(&json!({"ovsdb": format!("unix:{path}")})), "a", "net1", pod.path())
    };
    let (msg, details) = add("/run/no.sock").expect_error(11);
    assert!(
        msg.contains("unix:/run/no.sock") && details.contains("No such file"),
        "{msg}: {details}"
    );
    // There, and nobody behind it.
    drop(UnixListener::bind("/run/dead.sock").unwrap());
    let (_, details) = add("/run/dead.sock").expect_error(11);
    assert!(details.contains("refused"), "{details}");
    // Somebody who never answers.
    let silent = UnixListener::bind("/run/silent.sock").unwrap();
    let start = Instant::now();
    let (msg, _) = add("/run/silent.sock").expect_error(11);
    assert!(msg.contains("did not answer") && start.elapsed() < Duration::from_secs(40), "{msg}");
    drop(silent);
    assert_eq!(state(&ovs), before);
    for name in ["dead", "silent"] {
        std::fs::remove_file(format!("/run/{name}.sock")).unwrap();
    }
}

#[test]
fn a_switch_that_dies_during_add_leaves_nothing() {
    let (ovs, pod, plugin) = (ovs(), Netns::new(), vhostuser());
    let (before, conf) = (state(&ovs), conf(&json!({})));
    // The database takes the port, and nobody makes its interface.
    ovs.kill_vswitchd();
    let (msg, details) = plugin.add(&conf, "a", "net1", pod.path()).expect_error(11);
    assert!(
        msg.contains("did not take up") && details.contains("ovs-vswitchd running"),
        "{msg}: {details}"
    );
    plugin.del(&conf, "a", "net1", pod.path()).expect_ok();
    ovs.start_vswitchd();
    assert_eq!(state(&ovs), before);
    plugin.add(&conf, "a", "net1", pod.path()).expect_ok();
    plugin.del(&conf, "a", "net1", pod.path()).expect_ok();
}

/// And the database with it, when the port is in it already: only the next DEL can take it back.
#[test]
fn a_database_that_dies_during_add_is_cleaned_up_later() {
    let (ovs, pod, plugin) = (ovs(), Netns::new(), vhostuser());
    let (before, conf) = (state(&ovs), conf(&json!({})));
    ovs.kill_vswitchd();
    thread::scope(|scope| {
        let adding = scope.spawn(|| plugin.add(&conf, "a", "net1", pod.path()));
        eventually(SOON, "the port", || !ovs.ports(BRIDGE).is_empty());
        ovs.kill_ovsdb();
        let (msg, _) = adding.join().unwrap().expect_error(11);
        assert!(msg.contains("connect to the database server"), "{msg}");
    });
    plugin.del(&conf, "a", "net1", pod.path()).expect_error(11);
    ovs.start_ovsdb();
    assert_eq!(ovs.ports(BRIDGE), [port_of(&ovs, "a", "net1")]);
    plugin.del(&conf, "a", "net1", pod.path()).expect_ok();
    ovs.start_vswitchd();
    assert_eq!(state(&ovs), before);
}

#[test]
fn a_database_that_dies_during_del_has_done_it() {
    let (ovs, pod, plugin) = (ovs(), Netns::new(), vhostuser());
    let (before, conf) = (state(&ovs), conf(&json!({})));
    plugin.add(&conf, "a", "net1", pod.path()).expect_ok();
    ovs.kill_vswitchd();
    thread::scope(|scope| {
        let deleting = scope.spawn(|| plugin.del(&conf, "a", "net1", pod.path()));
        // It waits a moment for the switch to hear of it.
        eventually(SOON, "no port", || ovs.ports(BRIDGE).is_empty());
        ovs.kill_ovsdb();
        deleting.join().unwrap().expect_ok();
    });
    ovs.start_ovsdb();
    ovs.start_vswitchd();
    assert_eq!(state(&ovs), before);
}

#[test]
fn a_database_that_restarts_during_add_is_waited_for() {
    let (ovs, pod, plugin) = (ovs(), Netns::new(), vhostuser());
    let (before, conf) = (state(&ovs), conf(&json!({})));
    ovs.kill_vswitchd();
    thread::scope(|scope| {
        // It waits for the switch, and then for the database.
        let adding = scope.spawn(|| plugin.add(&conf, "a", "net1", pod.path()));
        eventually(SOON, "the port", || !ovs.ports(BRIDGE).is_empty());
        ovs.kill_ovsdb();
        ovs.start_ovsdb();
        ovs.start_vswitchd();
        adding.join().unwrap().expect_ok();
    });
    assert_eq!(ovs.ports(BRIDGE), [port_of(&ovs, "a", "net1")]);
    plugin.del(&conf, "a", "net1", pod.path()).expect_ok();
    assert_eq!(state(&ovs), before);
}

#[test]
fn del_with_a_dead_switch_and_with_a_dead_database() {
    let (ovs, pod, plugin) = (ovs(), Netns::new(), vhostuser());
    let (before, conf) = (state(&ovs), conf(&json!({})));
    for container in ["a", "b", "c"] {
        plugin.add(&conf, container, "net1", pod.path()).expect_ok();
    }
    ovs.kill_vswitchd();
    plugin.del(&conf, "a", "net1", pod.path()).expect_ok();
    ovs.kill_ovsdb();
    let (msg, _) = plugin.del(&conf, "b", "net1", pod.path()).expect_error(11);
    assert!(msg.contains("connect to the database server"), "{msg}");
    plugin.gc(&nothing_valid(&conf)).expect_error(11);
    // What could be done was done: only the ports are left, and records that know of them.
    assert!(integration::leftovers().contains("sockets []"), "{}", integration::leftovers());
    ovs.start_ovsdb();
    ovs.start_vswitchd();
    plugin.del(&conf, "b", "net1", pod.path()).expect_ok();
    plugin.gc(&nothing_valid(&conf)).expect_ok();
    assert_eq!(state(&ovs), before);
}

/// As a power cut leaves it: the record is there, and empty.
#[test]
fn a_damaged_record_goes_with_its_del() {
    let (ovs, pod, plugin) = (ovs(), Netns::new(), vhostuser());
    let (before, conf) = (state(&ovs), conf(&json!({"ipam": {"type": "testipam"}})));
    plugin.add(&conf, "a", "net1", pod.path()).expect_ok();
    let records = "/var/lib/fastpath/vhostuser";
    let record = std::fs::read_dir(records).unwrap().next().unwrap().unwrap().path();
    std::fs::write(&record, "").unwrap();
    plugin.check(&conf, "a", "net1", pod.path()).expect_error(5);
    plugin.del(&conf, "a", "net1", pod.path()).expect_ok();
    assert_eq!(state(&ovs), before);
}

/// Only what a reboot leaves is left: the database, records, no directory; and another boot id.
#[test]
fn del_after_a_reboot() {
    let (ovs, pod, plugin) = (ovs(), Netns::new(), vhostuser());
    let (before, conf) = (state(&ovs), conf(&json!({})));
    plugin.add(&conf, "a", "net1", pod.path()).expect_ok();
    let record = "/var/lib/fastpath/vhostuser";
    let record = std::fs::read_dir(record).unwrap().next().unwrap().unwrap().path();
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let text = std::fs::read_to_string(&record).unwrap();
    std::fs::write(&record, text.replace(boot.trim(), "00000000-0000-0000-0000-000000000000"))
        .unwrap();
    std::fs::remove_dir_all("/run/fastpath").unwrap();
    assert!(plugin.check(&conf, "a", "net1", pod.path()).expect_error(100).0.contains("rebooted"));
    plugin.del(&conf, "a", "net1", "/run/netns/gone").expect_ok();
    assert_eq!(state(&ovs), before);
}
