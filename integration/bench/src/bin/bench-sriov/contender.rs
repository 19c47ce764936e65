//! Who is measured, and how each is called.

use std::path::{Path, PathBuf};
use std::process::Command;

use bench::call::{Call, Verb};
use bench::rounds::Calls;

use crate::stage::{IFNAME, Stage, VF, VLAN};
use crate::trace::Requests;

/// A program that attaches the VF.
pub(crate) struct Contender {
    /// Name in the tables.
    pub(crate) name: String,
    /// Executable.
    pub(crate) program: PathBuf,
    /// Network configuration for stdin; empty where the program takes none.
    pub(crate) conf: String,
    /// Whether it sets the VLAN, which costs a request to the PF.
    pub(crate) vlan: bool,
    kind: Kind,
}

#[derive(PartialEq, Eq)]
enum Kind {
    Cni,
    Floor,
}

impl Contender {
    /// A plugin that takes the configuration of `sriov`.
    pub(crate) fn sriov(name: &str, program: &Path) -> Self {
        let conf = format!(
            r#"{{"cniVersion":"1.0.0","name":"b","type":"sriov","deviceID":"{VF}","vlan":{VLAN}}}"#
        );
        let (name, program) = (name.to_owned(), program.to_owned());
        Self { name, program, conf, vlan: true, kind: Kind::Cni }
    }

    /// The reference plugin that moves any device. It knows no VLAN.
    pub(crate) fn host_device(program: &Path) -> Self {
        let conf = format!(
            r#"{{"cniVersion":"1.0.0","name":"b","type":"host-device","pciBusID":"{VF}"}}"#
        );
        let (name, program) = ("host-device".to_owned(), program.to_owned());
        Self { name, program, conf, vlan: false, kind: Kind::Cni }
    }

    /// The bare requests.
    pub(crate) fn floor(program: &Path) -> Self {
        let (name, program) = ("floor".to_owned(), program.to_owned());
        Self { name, program, conf: String::new(), vlan: true, kind: Kind::Floor }
    }

    /// The call, without its standard streams.
    pub(crate) fn command(&self, verb: Verb, stage: &Stage) -> Command {
        let netns = stage.netns.to_str().unwrap_or_default();
        match self.kind {
            Kind::Cni => {
                let (args, path) = ("", "/usr/lib/cni");
                Call { verb, container: "bench", ifname: IFNAME, netns, args, path }
                    .of(&self.program)
            }
            Kind::Floor => {
                let mut command = Command::new(&self.program);
                let verb = verb.to_string().to_lowercase();
                command.env_clear().args([&*verb, &stage.pf, "0", &stage.netdev, netns]);
                command.args([IFNAME, &VLAN.to_string()]);
                command
            }
        }
    }
}

/// All that is known of a contender.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// Those of the rounds.
    pub(crate) calls: Calls,
    /// Highest peak RSS of an ADD in bytes, pages of files included.
    pub(crate) peak_rss: u64,
    /// What an ADD sends.
    pub(crate) requests: Requests,
}
