//! Who is measured, and how each is called.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use bench::call::{Call, Verb};
use bench::rounds::Calls;
use serde_json::json;

use crate::bed::{Bed, IFNAME, IP, MAC, MTU, SWITCH};

/// Name of the tools' port.
const PORT: &str = "bench0";

/// A way of making a port.
pub(crate) struct Contender {
    /// Name in the tables.
    pub(crate) name: &'static str,
    /// What it reads on its standard input.
    pub(crate) conf: String,
    kind: Kind,
}

enum Kind {
    Plugin(PathBuf),
    Tools { add: String, del: String },
}

impl Contender {
    /// The plugin.
    pub(crate) fn plugin(program: &Path, bed: &Bed) -> Self {
        let conf = json!({"cniVersion": "1.1.0", "name": "bench", "type": "ovn", "switch": SWITCH,
            "nb": bed.ovn.address("nb"), "ovsdb": bed.chassis[0].ovsdb(), "mac": MAC,
            "ips": [format!("{IP}/24")]});
        Self { name: "ovn", conf: conf.to_string(), kind: Kind::Plugin(program.to_owned()) }
    }

    /// One tool after the other.
    pub(crate) fn tools(bed: &Bed) -> Self {
        let nbctl = format!("ovn-nbctl --db={} --timeout=10", bed.ovn.address("nb"));
        let vsctl = format!("ovs-vsctl --db={} --timeout=10", bed.chassis[0].ovsdb());
        let pod = bed.pod.name();
        let add = [
            format!(
                "{nbctl} lsp-add {SWITCH} {PORT} -- lsp-set-addresses {PORT} '{MAC} {IP}' \
                 -- lsp-set-port-security {PORT} '{MAC} {IP}'"
            ),
            format!("ip link add {PORT} type veth peer name {IFNAME} netns {pod}"),
            format!("ip -n {pod} link set {IFNAME} address {MAC} mtu {MTU} up"),
            format!("ip -n {pod} addr add {IP}/24 dev {IFNAME}"),
            format!("ip link set {PORT} mtu {MTU} up"),
            format!(
                "{vsctl} add-port br-int {PORT} -- set Interface {PORT} external_ids:iface-id={PORT}"
            ),
            format!("{nbctl} wait-until Logical_Switch_Port {PORT} up=true"),
        ];
        let del = [
            format!("{vsctl} del-port br-int {PORT}"),
            format!("ip link del {PORT}"),
            format!("{nbctl} lsp-del {PORT}"),
        ];
        let kind = Kind::Tools { add: add.join(" && "), del: del.join(" && ") };
        Self { name: "the tools", conf: String::new(), kind }
    }

    /// The call, without its standard streams.
    pub(crate) fn command(&self, verb: Verb, bed: &Bed) -> Command {
        match &self.kind {
            Kind::Plugin(program) => {
                let (netns, path) = (bed.pod.path(), "/usr/lib/cni");
                Call { verb, container: "bench", ifname: IFNAME, netns, args: "", path }.of(program)
            }
            Kind::Tools { add, del } => {
                let mut shell = Command::new("/bin/sh");
                shell.args(["-c", if verb == Verb::Add { add } else { del }]);
                shell
            }
        }
    }
}

/// All that is known of a contender.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) calls: Calls,
    /// ADD, until the port was plugged.
    pub(crate) until_plugged: Vec<Duration>,
    /// ADD, from then on.
    pub(crate) from_then_on: Vec<Duration>,
}

impl Figures {
    /// One more ADD of this length, in which the port was plugged after `until`.
    pub(crate) fn plug(&mut self, wall: Duration, until: Duration) {
        self.until_plugged.push(until);
        self.from_then_on.push(wall.saturating_sub(until));
    }
}
