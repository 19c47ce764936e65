//! Who is measured, and how each is called.

use std::path::{Path, PathBuf};
use std::process::Command;

use bench::call::{Call, Verb};
use bench::rounds::Calls;
use serde_json::json;
use testkit::ovs::DIR;

use crate::bed::{BRIDGE, Bed, KIND, VLAN};
use crate::trace::Sent;

/// A program that makes ports.
pub(crate) struct Contender {
    /// Name in the tables.
    pub(crate) name: String,
    /// Executable.
    pub(crate) program: PathBuf,
    kind: Kind,
}

enum Kind {
    /// `ours`, or any other one that takes the same configuration.
    Plugin {
        conf: String,
        ours: bool,
    },
    Floor,
    Vsctl,
}

impl Contender {
    /// The plugin.
    pub(crate) fn vhostuser(program: &Path) -> Self {
        Self::new("vhostuser", program, Kind::Plugin { conf: conf(), ours: true })
    }

    /// One that takes the configuration of `vhostuser`.
    pub(crate) fn other(name: &str, program: &Path) -> Self {
        Self::new(name, program, Kind::Plugin { conf: conf(), ours: false })
    }

    /// The bare round trip.
    pub(crate) fn floor(program: &Path) -> Self {
        Self::new("ovsdb-floor", program, Kind::Floor)
    }

    /// The tool of Open vSwitch.
    pub(crate) fn vsctl(program: &Path) -> Self {
        Self::new("ovs-vsctl", program, Kind::Vsctl)
    }

    fn new(name: &str, program: &Path, kind: Kind) -> Self {
        Self { name: name.to_owned(), program: program.to_owned(), kind }
    }

    /// What it reads on its standard input.
    pub(crate) fn conf(&self) -> &str {
        if let Kind::Plugin { conf, .. } = &self.kind { conf } else { "" }
    }

    /// How many records and directories there must be of so many attachments, if that is known.
    pub(crate) fn keeps(&self, attachments: usize) -> Option<usize> {
        match self.kind {
            Kind::Plugin { ours: false, .. } => None,
            Kind::Plugin { .. } => Some(attachments),
            Kind::Floor | Kind::Vsctl => Some(0),
        }
    }

    /// How long the round trip took by itself, in milliseconds, by the answer of who has measured it.
    pub(crate) fn round_trip(&self, answer: &str) -> Option<f64> {
        let micros = matches!(self.kind, Kind::Floor).then(|| answer.trim().parse::<f64>().ok());
        Some(micros?? / 1e3)
    }

    /// The call for the attachment of this number, without its standard streams.
    pub(crate) fn command(&self, verb: Verb, number: usize, bed: &Bed) -> Command {
        let name = format!("bench{number}");
        let database = format!("{DIR}/db.sock");
        let socket = format!("/run/bench-sockets/{name}");
        let mut command = Command::new(&self.program);
        command.env_clear();
        match self.kind {
            Kind::Plugin { .. } => {
                let (container, netns, path) = (&*name, bed.pod.path(), "/usr/lib/cni");
                return Call { verb, container, ifname: "net1", netns, args: "", path }
                    .of(&self.program);
            }
            Kind::Floor => {
                command.arg(verb.to_string().to_lowercase());
                command.args([&database, BRIDGE, &name, &VLAN.to_string(), &socket]);
            }
            Kind::Vsctl => {
                command.arg(format!("--db=unix:{database}"));
                command.args(vsctl(verb, &name, &socket));
            }
        }
        command
    }
}

/// The configuration of the network.
fn conf() -> String {
    json!({"cniVersion": "1.1.0", "name": "bench", "type": "vhostuser", "bridge": BRIDGE, "vlan": VLAN,
           "socketDir": {"owner": 1000, "group": 1000}})
    .to_string()
}

/// The same change, and whose it is, in the words of `ovs-vsctl`.
fn vsctl(verb: Verb, name: &str, socket: &str) -> Vec<String> {
    let words = match verb {
        Verb::Add => format!(
            "add-port {BRIDGE} {name} tag={VLAN} \
             -- set Interface {name} type={KIND} options:vhost-server-path={socket} \
             external_ids:fastpath-container={name} external_ids:fastpath-ifname=net1 \
             -- set Port {name} external_ids:fastpath-container={name} external_ids:fastpath-ifname=net1"
        ),
        Verb::Del => format!("del-port {BRIDGE} {name}"),
    };
    words.split(' ').map(str::to_owned).collect()
}

/// All that is known of a contender.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// Those of the rounds.
    pub(crate) calls: Calls,
    /// Of the ADDs of who measures it, in milliseconds.
    pub(crate) round_trips: Vec<f64>,
    /// Highest peak RSS of an ADD in bytes, pages of files included.
    pub(crate) peak_rss: u64,
    /// Size of the record in bytes.
    pub(crate) record: u64,
    /// What an ADD sends.
    pub(crate) sent: Sent,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_floor_tells_its_time() {
        let floor = Contender::floor("floor".as_ref());
        assert_eq!(floor.round_trip("1500\n"), Some(1.5));
        assert_eq!(floor.round_trip("no time"), None);
        assert_eq!(Contender::vhostuser("plugin".as_ref()).round_trip("1500"), None);
    }

    #[test]
    fn records_of_strangers_are_not_counted() {
        let program = Path::new("plugin");
        assert_eq!(Contender::vhostuser(program).keeps(100), Some(100));
        assert_eq!(Contender::other("other", program).keeps(100), None);
        assert_eq!(Contender::vsctl("vsctl".as_ref()).keeps(100), Some(0));
    }
}
