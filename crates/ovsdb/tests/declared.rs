//! Rows as they should be, in a real database server with the schema of OVN. Nobody acts on them here.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "runs the server, and its own tool as a witness; a panic with its line is the report"
)]

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ovsdb::declared::{Declared, Error};
use ovsdb::northbound::declared::{
    LOGICAL_ROUTER, LOGICAL_ROUTER_PORT, LOGICAL_SWITCH, LOGICAL_SWITCH_PORT, STATIC_ROUTE,
};
use ovsdb::{Identity, Northbound, set};
use serde_json::json;
use tempfile::TempDir;
use testkit::wait::eventually;

const OWNER: (&str, &str) = ("fastpath-test", "one");

struct Server {
    child: Child,
    dir: TempDir,
}

impl Server {
    /// None where OVN is not installed.
    fn start() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str| dir.path().join(name).display().to_string();
        let schema = "/usr/share/ovn/ovn-nb.ovsschema";
        let made =
            Command::new("ovsdb-tool").args(["create", &file("db"), schema]).output().ok()?;
        if !made.status.success() {
            return None;
        }
        let mut server = Command::new("ovsdb-server");
        server.arg(file("db")).arg(format!("--remote=punix:{}", file("sock")));
        server.arg(format!("--unixctl={}", file("ctl")));
        let child = server.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let server = Self { child, dir };
        eventually(Duration::from_secs(20), "the server", || {
            server.dir.path().join("sock").exists()
        });
        server.nbctl(&["init"]);
        Some(server)
    }

    fn address(&self) -> String {
        format!("unix:{}", self.dir.path().join("sock").display())
    }

    fn nbctl(&self, args: &[&str]) -> String {
        let db = format!("--db={}", self.address());
        let output = Command::new("ovn-nbctl").arg(db).args(args).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn connect(&self) -> Northbound {
        let address = self.address().parse().unwrap();
        Northbound::connect(&[address], &Identity::default(), soon()).unwrap()
    }

    /// All rows, without the counter of changes.
    fn state(&self) -> String {
        let tables = [
            "Logical_Router",
            "Logical_Router_Port",
            "Logical_Router_Static_Route",
            "Logical_Switch",
            "Logical_Switch_Port",
        ];
        tables.map(|table| self.nbctl(&["list", table])).concat()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop((self.child.kill(), self.child.wait()));
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

/// A router with a port and a route, and a switch with a port.
fn some(network: &str) -> Vec<Declared> {
    vec![
        Declared::named(&LOGICAL_ROUTER, None, "r"),
        Declared::named(&LOGICAL_ROUTER_PORT, Some("r"), "rp")
            .with("networks", set([network]))
            .with("mac", json!("02:00:00:00:00:01")),
        Declared::of(&STATIC_ROUTE, Some("r"))
            .with("ip_prefix", json!("10.0.0.0/8"))
            .with("nexthop", json!("192.0.2.9")),
        Declared::named(&LOGICAL_SWITCH, None, "s"),
        Declared::named(&LOGICAL_SWITCH_PORT, Some("s"), "sp").with("type", json!("router")),
    ]
}

/// The changes that were made, in words.
fn reach(nb: &mut Northbound, rows: &[Declared]) -> Vec<String> {
    let difference = nb.difference(OWNER, rows, soon()).unwrap();
    assert!(difference.is_empty() || nb.apply(&difference, soon()).unwrap().is_some());
    difference.changes.iter().map(ToString::to_string).collect()
}

#[test]
fn rows_are_made_changed_and_removed_and_those_of_others_stay() {
    let Some(server) = Server::start() else { testkit::skip!("OVN is not installed") };
    server.nbctl(&["lr-add", "other", "--", "ls-add", "foreign"]);
    let (mut nb, before) = (server.connect(), server.state());

    assert_eq!(reach(&mut nb, &some("192.0.2.1/24")).len(), 5);
    assert!(server.nbctl(&["show", "r"]).contains("port rp"));
    assert!(server.nbctl(&["lr-route-list", "r"]).contains("192.0.2.9"));
    assert_eq!(
        server.nbctl(&["--bare", "--columns=external_ids", "list", "Logical_Switch_Port"]).trim(),
        "fastpath-test=one"
    );
    let made = server.state();
    assert!(reach(&mut nb, &some("192.0.2.1/24")).is_empty());
    assert_eq!(server.state(), made);

    let changed = reach(&mut nb, &some("192.0.2.2/24"));
    assert_eq!(changed, ["~ Logical_Router_Port rp, networks: 192.0.2.1/24 -> 192.0.2.2/24"]);
    assert!(server.nbctl(&["show", "r"]).contains("192.0.2.2/24"));

    // Below another router: the port moves there, the old one goes.
    let moved = Declared { parent: Some("other".to_owned()), ..some("192.0.2.2/24").remove(1) };
    let mut rows = some("192.0.2.2/24");
    rows[1] = moved;
    assert_eq!(reach(&mut nb, &rows).len(), 2);
    assert!(server.nbctl(&["show", "other"]).contains("port rp"));
    assert!(!server.nbctl(&["show", "r"]).contains("port rp"));

    assert_eq!(reach(&mut nb, &[]).len(), 5);
    assert_eq!(server.state(), before);
}

#[test]
fn who_waits_for_northd_is_told_that_it_does_nothing() {
    let Some(server) = Server::start() else { testkit::skip!("OVN is not installed") };
    let mut nb = server.connect();
    let difference = nb.difference(OWNER, &some("192.0.2.1/24"), soon()).unwrap();
    let change = nb.apply(&difference, soon()).unwrap().unwrap();
    let waited = nb.await_northd(change, Instant::now() + Duration::from_millis(100));
    assert!(matches!(waited, Err(Error::NorthdBehind)), "{waited:?}");
    server.nbctl(&["set", "NB_Global", ".", &format!("sb_cfg={change}")]);
    nb.await_northd(change, soon()).unwrap();
}

#[test]
fn a_row_to_which_others_have_added_stays() {
    let Some(server) = Server::start() else { testkit::skip!("OVN is not installed") };
    let mut nb = server.connect();
    reach(&mut nb, &some("192.0.2.1/24"));
    server.nbctl(&["lrp-add", "r", "theirs", "02:00:00:00:00:02", "198.51.100.1/24"]);
    let said = reach(&mut nb, &[]);
    assert!(
        said.contains(&"= Logical_Router r stays: others have added to it".to_owned()),
        "{said:?}"
    );
    let left = server.nbctl(&["show"]);
    assert!(
        left.contains("theirs") && !left.contains("port rp") && !left.contains("(s)"),
        "{left}"
    );
    server.nbctl(&["lrp-del", "theirs"]);
    assert_eq!(reach(&mut nb, &[]), ["- Logical_Router r"]);
}

#[test]
fn names_of_others_are_refused() {
    let Some(server) = Server::start() else { testkit::skip!("OVN is not installed") };
    let mut nb = server.connect();
    server.nbctl(&["ls-add", "s"]);
    let refused = nb.difference(OWNER, &some("192.0.2.1/24"), soon());
    assert!(matches!(refused, Err(Error::RowTaken { table: "Logical_Switch", .. })), "{refused:?}");
    let missing = nb.difference(OWNER, &some("192.0.2.1/24")[1..2], soon());
    assert!(matches!(missing, Err(Error::NoRow { table: "Logical_Router", .. })), "{missing:?}");
    server.nbctl(&["ls-add", "twice", "--", "--add-duplicate", "ls-add", "twice"]);
    let port = Declared::named(&LOGICAL_SWITCH_PORT, Some("twice"), "sp");
    let several = nb.difference(OWNER, &[port], soon());
    assert!(matches!(several, Err(Error::SeveralRows { .. })), "{several:?}");
}

#[test]
fn nothing_is_done_when_somebody_was_faster() {
    let Some(server) = Server::start() else { testkit::skip!("OVN is not installed") };
    let [mut one, mut two] = [server.connect(), server.connect()];
    let stale = one.difference(OWNER, &some("192.0.2.1/24"), soon()).unwrap();
    reach(&mut two, &some("192.0.2.1/24"));
    let made = server.state();
    assert!(one.apply(&stale, soon()).unwrap().is_none());
    // The router that was to get the port is gone.
    let port = Declared { parent: Some("r2".to_owned()), ..some("192.0.2.1/24").remove(1) };
    server.nbctl(&["lr-add", "r2"]);
    let mut rows = some("192.0.2.1/24");
    rows[1] = port;
    let stale = one.difference(OWNER, &rows, soon()).unwrap();
    server.nbctl(&["lr-del", "r2"]);
    assert!(one.apply(&stale, soon()).unwrap().is_none());
    // Somebody has added to what was to go.
    let stale = one.difference(OWNER, &[], soon()).unwrap();
    server.nbctl(&["lsp-add", "s", "theirs"]);
    assert!(one.apply(&stale, soon()).unwrap().is_none());
    server.nbctl(&["lsp-del", "theirs"]);
    assert_eq!(server.state(), made);
}
