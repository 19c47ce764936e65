//! A chassis: what runs on a host of the overlay.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use tempfile::TempDir;

use super::{Ovn, PATIENCE};
use crate::daemon::Daemon;
use crate::netns::Netns;
use crate::process::output;
use crate::wait::eventually;

/// Its end of the cable below the tunnels.
const UNDER: &str = "under";
const VSWITCHD_DPDK: &str = "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk";

/// What the switch forwards with; always in userspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Datapath {
    Plain,
    Dpdk,
    DpdkWithCards,
}

/// A host of the overlay: a namespace with a switch and `ovn-controller`.
#[derive(Debug)]
pub struct Chassis {
    /// `ovn-controller`, the switch, its database.
    programs: Vec<Daemon>,
    /// What it is joined to others by, if not by a cable.
    hub: Option<Arc<Netns>>,
    name: String,
    netns: Netns,
    dir: TempDir,
}

impl Chassis {
    /// Two chassis with a cable between them; each has its integration bridge.
    #[must_use]
    pub fn pair(ovn: &Ovn) -> [Self; 2] {
        Self::pair_of(ovn, Datapath::Plain)
    }

    /// The same with DPDK, which takes 96 MB of hugepages each.
    #[must_use]
    pub fn pair_with_dpdk(ovn: &Ovn) -> [Self; 2] {
        Self::pair_of(ovn, Datapath::Dpdk)
    }

    /// As many as there are names, joined by a bridge; the first has DPDK.
    #[must_use]
    pub fn several<const N: usize>(ovn: &Ovn, names: [&str; N]) -> [Self; N] {
        let hub = Arc::new(Netns::new());
        hub.ip(&["link", "add", "hub", "type", "bridge"]);
        hub.ip(&["link", "set", "hub", "up"]);
        let mut number = 0;
        names.map(|name| {
            number += 1;
            let (netns, port) = (Netns::new(), format!("port{number}"));
            let peer = ["peer", "name", UNDER, "netns", netns.name()];
            hub.ip(&[&["link", "add", &port, "type", "veth"], &peer[..]].concat());
            hub.ip(&["link", "set", &port, "master", "hub", "up"]);
            let datapath = if number == 1 { Datapath::Dpdk } else { Datapath::Plain };
            let address = format!("172.31.0.{number}");
            let mut chassis = Self::start(ovn, netns, name, &address, datapath);
            chassis.hub = Some(Arc::clone(&hub));
            chassis
        })
    }

    /// One alone, with DPDK and the cards that are bound to its drivers.
    #[must_use]
    pub fn with_cards(ovn: &Ovn) -> Self {
        let netns = Netns::new();
        netns.ip(&["link", "add", UNDER, "type", "dummy"]);
        Self::start(ovn, netns, "chassis-a", "172.31.0.1", Datapath::DpdkWithCards)
    }

    fn pair_of(ovn: &Ovn, datapath: Datapath) -> [Self; 2] {
        let [a, b] = [Netns::new(), Netns::new()];
        a.ip(&["link", "add", UNDER, "type", "veth", "peer", "name", UNDER, "netns", b.name()]);
        let one = Self::start(ovn, a, "chassis-a", "172.31.0.1", datapath);
        let two = Self::start(ovn, b, "chassis-b", "172.31.0.2", datapath);
        [one, two]
    }

    /// Its own address, on the bridge that has its end of the cable.
    fn start(ovn: &Ovn, netns: Netns, name: &str, address: &str, datapath: Datapath) -> Self {
        let dir = tempfile::Builder::new().prefix("ch-").tempdir_in("/run").unwrap();
        let path = |file: &str| dir.path().join(file).display().to_string();
        output(
            "ovsdb-tool",
            &["create", &path("conf.db"), "/usr/share/openvswitch/vswitch.ovsschema"],
        );
        let socket = format!("unix:{}", path("db.sock"));
        let remote = format!("--remote=p{socket}");
        let ovsdb = inside(&netns, &dir, "ovsdb-server", &[&path("conf.db"), &remote]);
        eventually(PATIENCE, "the database of a chassis", || {
            std::os::unix::net::UnixStream::connect(path("db.sock")).is_ok()
        });
        vsctl(&socket, &["--no-wait", "init"]);
        let program = match datapath {
            Datapath::Plain => "ovs-vswitchd",
            Datapath::Dpdk | Datapath::DpdkWithCards => {
                set_dpdk(&socket, name, datapath);
                VSWITCHD_DPDK
            }
        };
        let vswitchd = inside(&netns, &dir, program, &[&socket]);
        // Tunnels of the userspace datapath leave by a bridge that has the tunnel's address itself.
        vsctl(
            &socket,
            &["add-br", "br-under", "--", "set", "bridge", "br-under", "datapath_type=netdev"],
        );
        vsctl(&socket, &["add-port", "br-under", UNDER]);
        netns.ip(&["link", "set", UNDER, "up"]);
        netns.ip(&["addr", "add", &format!("{address}/24"), "dev", "br-under"]);
        netns.ip(&["link", "set", "br-under", "up"]);
        let id = |key: &str, value: &str| format!("external_ids:{key}=\"{value}\"");
        let sb = ovn.address("sb");
        let ids = [
            id("system-id", name),
            id("hostname", name),
            id("ovn-remote", &sb),
            id("ovn-encap-type", "geneve"),
            id("ovn-encap-ip", address),
            id("ovn-bridge-datapath-type", "netdev"),
        ];
        let set: Vec<&str> = ["set", "Open_vSwitch", "."]
            .into_iter()
            .chain(ids.iter().map(String::as_str))
            .collect();
        vsctl(&socket, &set);
        let controller = inside(&netns, &dir, "ovn-controller", &[&socket]);
        let chassis = Self {
            programs: vec![controller, vswitchd, ovsdb],
            hub: None,
            name: name.to_owned(),
            netns,
            dir,
        };
        eventually(PATIENCE, "the integration bridge", || {
            chassis.vsctl(&["list-br"]).lines().any(|bridge| bridge == "br-int")
        });
        chassis
    }

    /// Kills all that runs on it, as a host dies.
    pub fn kill(&mut self) {
        for program in self.programs.drain(..) {
            drop(program);
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its namespace.
    #[must_use]
    pub fn netns(&self) -> &Netns {
        &self.netns
    }

    /// The address of its switch's database.
    #[must_use]
    pub fn ovsdb(&self) -> String {
        format!("unix:{}", self.dir.path().join("db.sock").display())
    }

    /// Runs `ovs-vsctl` on it and returns what it printed, without the last newline.
    pub fn vsctl(&self, args: &[&str]) -> String {
        vsctl(&self.ovsdb(), args)
    }

    /// Asks its switch, which has DPDK, by `ovs-appctl`.
    pub fn appctl(&self, args: &[&str]) -> String {
        let target = self.dir.path().join("ovs-vswitchd-dpdk.ctl").display().to_string();
        output("ovs-appctl", &[&["-t", target.as_str()], args].concat())
    }

    /// Ports of its integration bridge that are no tunnels, sorted.
    #[must_use]
    pub fn ports(&self) -> Vec<String> {
        let ports = self.vsctl(&["list-ports", "br-int"]);
        let mut ports: Vec<String> = ports.lines().map(str::to_owned).collect();
        ports.retain(|port| !port.starts_with("ovn-"));
        ports.sort();
        ports
    }
}

/// One pool of packets for all ports, on the processor that pods' programs leave to it.
fn set_dpdk(socket: &str, name: &str, datapath: Datapath) {
    // Ports of cards need more packets than those of pods.
    let (pci, memory) = match datapath {
        Datapath::DpdkWithCards => ("", 160),
        Datapath::Plain | Datapath::Dpdk => ("--no-pci ", 96),
    };
    let settings = [
        "other_config:dpdk-init=true",
        &format!("other_config:dpdk-socket-mem={memory}"),
        &format!("other_config:dpdk-socket-limit={memory}"),
        "other_config:dpdk-lcore-mask=0x1",
        "other_config:pmd-cpu-mask=0x2",
        &format!("other_config:dpdk-extra=\"{pci}--file-prefix={name}\""),
    ];
    vsctl(socket, &[&["--no-wait", "set", "Open_vSwitch", "."], &settings[..]].concat());
}

fn vsctl(socket: &str, args: &[&str]) -> String {
    let db = format!("--db={socket}");
    output("ovs-vsctl", &[&[db.as_str(), "--timeout=30"], args].concat()).trim_end().to_owned()
}

/// A daemon of a chassis, with all its files in the directory. `nsenter` becomes it.
fn inside(netns: &Netns, dir: &TempDir, program: &str, args: &[&str]) -> Daemon {
    let path: PathBuf = dir.path().into();
    let name = Path::new(program).file_name().unwrap().to_str().unwrap();
    let mut command = Command::new("nsenter");
    command.arg(format!("--net={}", netns.path())).arg(program).args(args);
    // ovn-controller has its place in its directory, and no word for another one.
    if program != "ovn-controller" {
        command.arg(format!("--unixctl={}", path.join(format!("{name}.ctl")).display()));
    }
    command.env("OVS_RUNDIR", &path).env("OVN_RUNDIR", &path);
    Daemon::spawn(&mut command, path.join(format!("{name}.log")))
}
