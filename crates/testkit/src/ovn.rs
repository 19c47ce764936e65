//! An OVN of one's own: both databases, `ovn-northd`, and chassis in network namespaces, seen and changed through its own
//! tools. A chassis has a switch of the userspace datapath, without DPDK.
//!
//! ```no_run
//! use testkit::ovn::{Chassis, Ovn};
//!
//! let ovn = Ovn::start();
//! let [one, two] = Chassis::pair(&ovn);
//! ovn.nbctl(&["ls-add", "blue"]);
//! println!("{} {}", one.ovsdb(), two.netns().path());
//! ```

#![expect(clippy::disallowed_methods, reason = "tests run what they need")]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::daemon::Daemon;
use crate::process::output;

mod chassis;

pub use chassis::Chassis;

/// More than anything of it takes, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The databases and `ovn-northd`; all of it ends with it.
#[derive(Debug)]
pub struct Ovn {
    northd: Option<Daemon>,
    nb: Option<Daemon>,
    _sb: Daemon,
    dir: TempDir,
}

impl Ovn {
    /// Starts them, with empty databases.
    #[must_use]
    pub fn start() -> Self {
        // Paths of sockets are short.
        let dir = tempfile::Builder::new().prefix("ovn-").tempdir_in("/run").unwrap();
        for name in ["nb", "sb"] {
            let file = dir.path().join(format!("{name}.db")).display().to_string();
            let schema = format!("/usr/share/ovn/ovn-{name}.ovsschema");
            output("ovsdb-tool", &["create", &file, &schema]);
        }
        let [nb, sb] = ["nb", "sb"].map(|name| database(dir.path(), name));
        let mut ovn = Self { northd: None, nb: Some(nb), _sb: sb, dir };
        ovn.nbctl(&["init"]);
        output("ovn-sbctl", &[&format!("--db={}", ovn.address("sb")), "init"]);
        ovn.start_northd();
        ovn
    }

    /// The address of a database, `nb` or `sb`.
    #[must_use]
    pub fn address(&self, name: &str) -> String {
        format!("unix:{}", self.dir.path().join(format!("{name}.sock")).display())
    }

    /// Runs `ovn-nbctl` and returns what it printed, without the last newline.
    pub fn nbctl(&self, args: &[&str]) -> String {
        let db = format!("--db={}", self.address("nb"));
        output("ovn-nbctl", &[&[db.as_str(), "--timeout=30"], args].concat()).trim_end().to_owned()
    }

    /// Runs `ovn-sbctl` and returns what it printed, without the last newline.
    pub fn sbctl(&self, args: &[&str]) -> String {
        let db = format!("--db={}", self.address("sb"));
        output("ovn-sbctl", &[&[db.as_str(), "--timeout=30"], args].concat()).trim_end().to_owned()
    }

    /// Names of the ports of a logical switch, sorted.
    #[must_use]
    pub fn ports(&self, switch: &str) -> Vec<String> {
        let list = self.nbctl(&["lsp-list", switch]);
        let name = |line: &str| Some(line.split_once('(')?.1.trim_end_matches(')').to_owned());
        let mut names: Vec<String> = list.lines().filter_map(name).collect();
        names.sort();
        names
    }

    /// Starts `ovn-northd`.
    pub fn start_northd(&mut self) {
        let dir = self.dir.path();
        let mut command = Command::new("ovn-northd");
        command.env("OVN_RUNDIR", dir).env("OVS_RUNDIR", dir);
        command.arg(format!("--ovnnb-db={}", self.address("nb")));
        command.arg(format!("--ovnsb-db={}", self.address("sb")));
        command.arg(format!("--unixctl={}", dir.join("northd.ctl").display()));
        self.northd = Some(Daemon::spawn(&mut command, dir.join("northd.log")));
    }

    /// Kills `ovn-northd`: what is in the northbound database goes no further.
    pub fn stop_northd(&mut self) {
        self.northd = None;
    }

    /// Kills the northbound database's server.
    pub fn stop_nb(&mut self) {
        self.nb = None;
    }

    /// Starts it again, with what was in it.
    pub fn start_nb(&mut self) {
        self.nb = Some(database(self.dir.path(), "nb"));
    }
}

fn database(dir: &Path, name: &str) -> Daemon {
    let socket = dir.join(format!("{name}.sock"));
    let mut command = Command::new("ovsdb-server");
    command.env("OVS_RUNDIR", dir).arg(dir.join(format!("{name}.db")));
    command.arg(format!("--remote=punix:{}", socket.display()));
    command.arg(format!("--unixctl={}", dir.join(format!("{name}.ctl")).display()));
    let mut daemon = Daemon::spawn(&mut command, dir.join(format!("{name}.log")));
    daemon.wait_for(PATIENCE, "socket of the database", || {
        std::os::unix::net::UnixStream::connect(&socket).is_ok()
    });
    daemon
}
