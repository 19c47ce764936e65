//! A server of one of the databases.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{DATABASE, PATIENCE};
use crate::authority::Files;
use crate::daemon::Daemon;
use crate::netns::Netns;
use crate::process::output;

/// It has all its files in the directory, called by its name; killed on drop.
#[derive(Debug)]
pub(super) struct Server {
    dir: PathBuf,
    name: String,
    clustered: bool,
    daemon: Option<Daemon>,
}

impl Server {
    /// The only one of an empty database, `nb` or `sb`.
    pub(super) fn alone(dir: &Path, database: &str) -> Self {
        let mut server = Self::new(dir, database.to_owned(), false);
        output("ovsdb-tool", &["create", &server.file("db"), &schema(database)]);
        server.start();
        server
    }

    /// Three of one empty northbound database.
    pub(super) fn cluster(dir: &Path) -> Vec<Self> {
        let mut servers: Vec<Self> =
            (1..=3).map(|number| Self::new(dir, format!("nb{number}"), true)).collect();
        let peers: Vec<String> =
            servers.iter().map(|server| format!("unix:{}", server.file("raft"))).collect();
        for (server, peer) in servers.iter_mut().zip(&peers) {
            let file = server.file("db");
            if *peer == peers[0] {
                output("ovsdb-tool", &["create-cluster", &file, &schema("nb"), peer]);
            } else {
                output("ovsdb-tool", &["join-cluster", &file, DATABASE, peer, &peers[0]]);
            }
            server.start();
        }
        servers
    }

    fn new(dir: &Path, name: String, clustered: bool) -> Self {
        Self { dir: dir.to_owned(), name, clustered, daemon: None }
    }

    /// Where its socket is.
    pub(super) fn address(&self) -> String {
        format!("unix:{}", self.file("sock"))
    }

    /// Starts it, with what is in the database; waits until it serves it.
    pub(super) fn start(&mut self) {
        self.run(Command::new("ovsdb-server"), &[]);
    }

    /// The same in a namespace, where it listens on a port of the loopback, too.
    pub(super) fn start_by_tls(&mut self, netns: &Netns, port: u16, files: &Files) {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", netns.path())).arg("ovsdb-server");
        let options = [
            format!("--remote=pssl:{port}:127.0.0.1"),
            format!("--private-key={}", files.key.display()),
            format!("--certificate={}", files.certificate.display()),
            format!("--ca-cert={}", files.authority.display()),
        ];
        self.run(command, &options);
    }

    fn run(&mut self, mut command: Command, options: &[String]) {
        command.env("OVS_RUNDIR", &self.dir).arg(self.file("db")).args(options);
        command.arg(format!("--remote=punix:{}", self.file("sock")));
        command.arg(format!("--unixctl={}", self.file("ctl")));
        let mut daemon = Daemon::spawn(&mut command, self.file("log").into());
        daemon.wait_for(PATIENCE, "socket of the database", || {
            UnixStream::connect(self.file("sock")).is_ok()
        });
        self.daemon = Some(daemon);
        if self.clustered {
            let wait = ["--timeout=30", "wait", &self.address(), DATABASE, "connected"];
            output("ovsdb-client", &wait);
        }
    }

    /// Kills it on the spot, if it runs.
    pub(super) fn kill(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            daemon.kill();
        }
    }

    /// Whether it leads its cluster, as it says itself.
    pub(super) fn leads(&self) -> bool {
        let status =
            || output("ovs-appctl", &["-t", &self.file("ctl"), "cluster/status", DATABASE]);
        self.daemon.is_some() && status().contains("Role: leader")
    }

    fn file(&self, extension: &str) -> String {
        self.dir.join(&self.name).with_extension(extension).display().to_string()
    }
}

fn schema(database: &str) -> String {
    format!("/usr/share/ovn/ovn-{database}.ovsschema")
}
