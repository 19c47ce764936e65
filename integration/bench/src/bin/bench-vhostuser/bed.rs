//! A switch, a pod, and what an attachment leaves on the host.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use bench::host::{durable_write, files, make_private};
use testkit::netns::Netns;
use testkit::ovs::Ovs;

/// The bridge that all ports are plugged into.
pub(crate) const BRIDGE: &str = "br0";
/// The VLAN of the ports.
pub(crate) const VLAN: u16 = 7;
/// A port's kind.
pub(crate) const KIND: &str = "dpdkvhostuserclient";

/// A port that is always there.
const NEIGHBOUR: &str = "neighbour";
/// What the plugin keeps of an attachment: its record, and its directory.
const RECORDS: &str = "/var/lib/fastpath/vhostuser";
const DIRECTORIES: &str = "/run/fastpath/vhostuser";

/// All of it goes with the namespaces.
pub(crate) struct Bed {
    ovs: Ovs,
    /// Every pod's namespace: the plugin only looks at it.
    pub(crate) pod: Netns,
}

impl Bed {
    /// A switch in use: where there is a port already, a thread polls it, and need not be started.
    pub(crate) fn make(state: &Path) -> Result<Self> {
        make_private(state, &["fastpath"])?;
        let ovs = Ovs::start();
        ovs.add_bridge(BRIDGE);
        let (kind, socket) = (format!("type={KIND}"), "options:vhost-server-path=/run/neighbour");
        let set = ["--", "set", "Interface", NEIGHBOUR, &kind, socket];
        ovs.vsctl(&[&["add-port", BRIDGE, NEIGHBOUR], &set[..]].concat());
        Ok(Self { ovs, pod: Netns::new() })
    }

    /// There are as many ports as that, and all work.
    pub(crate) fn must_have(&self, ports: usize) -> Result<()> {
        let there = self.ports();
        ensure!(there.len() == ports, "not {ports} ports: {there:?}");
        let plugged = self.plugged();
        ensure!(plugged == ports, "{plugged} on the bridge, working or not");
        Ok(())
    }

    /// How many ports the bridge has, working or not.
    pub(crate) fn plugged(&self) -> usize {
        self.ovs.ports(BRIDGE).iter().filter(|name| *name != NEIGHBOUR).count()
    }

    /// The ports that the switch has made, with their sockets.
    pub(crate) fn ports(&self) -> BTreeMap<String, String> {
        let conditions = [format!("type={KIND}"), "ofport>0".to_owned(), "error=[]".to_owned()];
        let conditions = conditions.each_ref().map(String::as_str);
        let rows = self.ovs.find("Interface", &["name", "options"], &conditions);
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let ports =
            rows.iter().map(|row| (text(&row["name"]), text(&row["options"]["vhost-server-path"])));
        ports.filter(|(name, _)| name != NEIGHBOUR).collect()
    }
}

/// How many records there are, unfinished ones among them, and how many directories.
pub(crate) fn kept() -> Result<[usize; 2]> {
    let count = |dir: &str| files(dir.as_ref(), |_| true).map(|files| files.len());
    Ok([count(RECORDS)?, count(DIRECTORIES)?])
}

/// Of all records, in bytes.
pub(crate) fn record_size() -> Result<u64> {
    let records = files(RECORDS.as_ref(), |_| true)?;
    records.iter().map(|path| Ok(path.metadata()?.len())).sum()
}

/// Writes a file of this size beside the records so that it outlives a power cut.
pub(crate) fn write_beside_records(size: u64) -> Result<Duration> {
    durable_write(RECORDS.as_ref(), usize::try_from(size)?)
}
