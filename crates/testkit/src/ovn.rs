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

use crate::authority::Files;
use crate::daemon::Daemon;
use crate::process::output;
use crate::wait::eventually;

mod chassis;
mod server;

pub use chassis::Chassis;
use server::Server;

const DATABASE: &str = "OVN_Northbound";
/// Its usual port.
const PORT: u16 = 6641;

/// More than anything of it takes, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The databases and `ovn-northd`; all of it ends with it.
#[derive(Debug)]
pub struct Ovn {
    northd: Option<Daemon>,
    nb: Vec<Server>,
    sb: Server,
    dir: TempDir,
}

impl Ovn {
    /// Starts them, with empty databases.
    #[must_use]
    pub fn start() -> Self {
        Self::with(|dir| vec![Server::alone(dir, "nb")])
    }

    /// The same; three servers have the northbound database.
    #[must_use]
    pub fn start_cluster() -> Self {
        Self::with(Server::cluster)
    }

    fn with(nb: fn(&Path) -> Vec<Server>) -> Self {
        // Paths of sockets are short.
        let dir = tempfile::Builder::new().prefix("ovn-").tempdir_in("/run").unwrap();
        let (nb, sb) = (nb(dir.path()), Server::alone(dir.path(), "sb"));
        let mut ovn = Self { northd: None, nb, sb, dir };
        ovn.nbctl(&["init"]);
        output("ovn-sbctl", &[&format!("--db={}", ovn.address("sb")), "init"]);
        ovn.start_northd();
        ovn
    }

    /// The address of a database, `nb` or `sb`, as OVN's own programs take it.
    #[must_use]
    pub fn address(&self, name: &str) -> String {
        if name == "sb" { self.sb.address() } else { self.nb_servers().join(",") }
    }

    /// The addresses of the servers of the northbound database.
    #[must_use]
    pub fn nb_servers(&self) -> Vec<String> {
        self.nb.iter().map(Server::address).collect()
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

    /// Kills the northbound database's servers.
    pub fn stop_nb(&mut self) {
        self.nb.iter_mut().for_each(Server::kill);
    }

    /// Starts them again, with what was in the database.
    pub fn start_nb(&mut self) {
        self.nb.iter_mut().for_each(Server::start);
    }

    /// Restarts the only server of the northbound database on a chassis, where it has these files for TLS;
    /// returns its address there.
    pub fn serve_nb_by_tls(&mut self, on: &Chassis, files: &Files) -> String {
        let [server] = &mut self.nb[..] else { panic!("a cluster") };
        server.kill();
        server.start_by_tls(on.netns(), PORT, files);
        format!("ssl:127.0.0.1:{PORT}")
    }

    /// The address of the server that leads the cluster of the northbound database, once there is one.
    #[must_use]
    pub fn nb_leader(&self) -> String {
        let mut leader = None;
        eventually(PATIENCE, "a leader of the cluster", || {
            leader = self.nb.iter().find(|server| server.leads()).map(Server::address);
            leader.is_some()
        });
        leader.unwrap()
    }

    /// Kills this server of the northbound database.
    pub fn kill_nb_server(&mut self, address: &str) {
        self.nb.iter_mut().filter(|server| server.address() == address).for_each(Server::kill);
    }
}
