//! crates/ovsdb on a real server: what a fake could only pretend.

use std::time::{Duration, Instant};

use ovsdb::vswitch::{Interface, Port};
use ovsdb::{Address, Client, Error, Transaction, Vswitch};
use serde_json::json;

use crate::bed::{BRIDGE, ovs};
use crate::pod::Pod;
use testkit::testpmd::Options;

const DATABASE: &str = "Open_vSwitch";

fn address() -> Address {
    format!("unix:{}/db.sock", testkit::ovs::DIR).parse().unwrap()
}

fn within(seconds: u64) -> Instant {
    Instant::now() + Duration::from_secs(seconds)
}

#[test]
fn schema_echo_and_refusals() {
    let _ovs = ovs();
    let mut client = Client::connect(&address(), within(5)).unwrap();
    let schema = client.get_schema(DATABASE, within(5)).unwrap();
    assert!(schema["tables"]["Interface"]["columns"]["ofport"].is_object());
    client.echo(within(5)).unwrap();
    let error = client.get_schema("no_such_database", within(5)).unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error}");
    let mut wrong = Transaction::new(DATABASE);
    wrong.delete("NoTable", &[]);
    let error = client.transact(&wrong, within(5)).unwrap_err();
    assert!(matches!(error, Error::Operation { .. } | Error::Refused { .. }), "{error}");
    // The connection is still good.
    client.echo(within(5)).unwrap();
}

#[test]
fn a_monitor_sees_what_others_do() {
    let ovs = ovs();
    let mut client = Client::connect(&address(), within(5)).unwrap();
    let first = client.monitor::<Port>(DATABASE, within(5)).unwrap();
    assert!(first.rows::<Port>().unwrap().iter().any(|(_, port)| port.name == BRIDGE));
    assert_eq!(client.next_update(within(0)).unwrap(), None);
    let outer = ovs.add_outer(BRIDGE, Some(7));
    let (uuid, port) = loop {
        let update = client.next_update(within(5)).unwrap().expect("an update");
        let rows = update.rows::<Port>().unwrap();
        if let Some(row) = rows.into_iter().find(|(_, port)| port.name == outer.port()) {
            break row;
        }
    };
    assert_eq!(port.tag.0, Some(7));
    drop(outer);
    let gone = |update: ovsdb::TableUpdates| update.removed::<Port>().contains(&uuid);
    while !gone(client.next_update(within(5)).unwrap().expect("an update")) {}
}

#[test]
fn a_server_that_restarts_is_found_again() {
    let ovs = ovs();
    let mut client = Client::connect(&address(), within(5)).unwrap();
    ovs.kill_ovsdb();
    let error = client.echo(within(5)).unwrap_err();
    assert!(error.is_disconnect(), "{error}");
    let error = client.reconnect(within(0)).unwrap_err();
    assert!(matches!(error, Error::Connect { .. }), "{error}");
    std::thread::scope(|scope| {
        scope.spawn(|| ovs.start_ovsdb());
        client.reconnect(within(20)).unwrap();
    });
    client.echo(within(5)).unwrap();
}

/// The words of `ovs-vswitchd` for what it cannot make.
#[test]
fn an_interface_that_cannot_be_made_says_why() {
    let ovs = ovs();
    ovs.vsctl(&[
        "--no-wait",
        "add-port",
        BRIDGE,
        "bad",
        "--",
        "set",
        "Interface",
        "bad",
        "type=dpdk",
        "options:dpdk-devargs=0000:99:00.0",
    ]);
    let row = || ovs.find("Interface", &["error"], &["name=bad"])[0]["error"].clone();
    testkit::wait::eventually(Duration::from_secs(10), "an error", || row().is_string());
    let mut switch = Vswitch::connect(&address(), within(5)).unwrap();
    let view = switch.look(BRIDGE, "bad", within(5)).unwrap();
    assert_eq!(view.interface.unwrap().error.0.map(Into::into), Some(row()));
    ovs.vsctl(&["del-port", BRIDGE, "bad"]);
}

#[test]
fn a_link_is_watched_until_it_is_up() {
    let ovs = ovs();
    let mut pod = Pod::new(&ovs, "a");
    let port = pod.attach("net1", &json!({})).port.clone();
    let mut switch = Vswitch::connect(&address(), within(5)).unwrap();
    let report = switch.watch_link(&port, Instant::now() + Duration::from_millis(200)).unwrap();
    assert!(!report.up && !report.is_silent_failure(), "{report:?}");
    std::thread::scope(|scope| {
        let watching = scope.spawn(|| {
            Vswitch::connect(&address(), within(5)).unwrap().watch_link(&port, within(60)).unwrap()
        });
        let _testpmd = pod.forward(Options::default());
        let report = watching.join().unwrap();
        assert!(report.up && report.socket == "connected", "{report:?}");
    });
    let missing = switch.watch_link("nobody", within(1)).unwrap_err();
    assert!(matches!(missing, Error::Interface { .. }), "{missing}");
    pod.detach();
}

/// Rows are found by what is in their `external_ids`.
#[test]
fn owners_are_found_again() {
    let ovs = ovs();
    let mut pod = Pod::new(&ovs, "a");
    let port = pod.attach("net1", &json!({"mac": "02:00:00:00:00:21"})).port.clone();
    let mut switch = Vswitch::connect(&address(), within(5)).unwrap();
    let found: Vec<Interface> =
        switch.owned(&[("attached-mac", "02:00:00:00:00:21")], within(5)).unwrap();
    assert_eq!(found.iter().map(|interface| interface.name.as_str()).collect::<Vec<_>>(), [port]);
    let none: Vec<Interface> =
        switch.owned(&[("attached-mac", "02:00:00:00:00:22")], within(5)).unwrap();
    assert!(none.is_empty());
    pod.detach();
}
