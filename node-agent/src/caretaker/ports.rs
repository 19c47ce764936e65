//! Ports in the switch: those of attachments that are in use are made again where they are missing; those
//! that no record knows are removed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use journal::Owner;
use kubelet::PodKey;
use ovsdb::vswitch::{Interface, LinkReport, NewPort, Port, PortKind};
use ovsdb::{Address, Map, Vswitch};

use super::books::{Book, Kept};
use super::pods::Pods;
use super::{Caretaker, Finding, Kind, Pass};

/// The plugins that make ports.
pub(super) const VHOSTUSER: &str = "vhostuser";
pub(super) const OVN: &str = "ovn";

/// What they write into the `external_ids` of their rows.
const CONTAINER: &str = "fastpath-container";
const IFNAME: &str = "fastpath-ifname";
const BOOT: &str = "fastpath-boot";
const POD: &str = "fastpath-pod";
/// And ovn alone.
const CHASSIS: &str = "fastpath-chassis";

/// How long the switch has for each answer.
const DEADLINE: Duration = Duration::from_secs(10);
/// And for making all ports that it has lost; what is left then is for the next pass.
const MAKE_DEADLINE: Duration = Duration::from_secs(30);

/// The pod that rows with these `external_ids` are for, where they name it.
pub(super) fn pod_of(external_ids: &BTreeMap<String, String>) -> Option<PodKey> {
    let (namespace, name) = external_ids.get(POD)?.split_once('/')?;
    Some(PodKey { namespace: namespace.to_owned(), name: name.to_owned(), uid: String::new() })
}

impl Caretaker {
    /// Compares the attachments that are in use, and all records, with every switch that they name.
    pub(super) fn look_at_ports(&self, in_use: &[Kept<'_>], pods: &Pods<'_>, pass: &mut Pass) {
        let mut wanted: BTreeMap<String, Vec<Wanted<'_>>> = BTreeMap::new();
        wanted.insert(self.means.ovsdb.to_string(), Vec::new());
        for kept in in_use {
            let detail = &kept.record.detail;
            let (Some(port), Some(ovsdb)) = (&detail.port, &detail.ovsdb) else { continue };
            wanted.entry(ovsdb.clone()).or_default().push(Wanted { kept, port });
        }
        for (address, wanted) in &wanted {
            let Ok(socket) = address.parse::<Address>() else {
                let found = format!("it is not on this host, and has {} ports", wanted.len());
                let action = "leave them to CHECK";
                pass.leave(Finding::new(Kind::Switch, address, found, action));
                continue;
            };
            match Switch::look(&socket) {
                Ok(mut switch) => {
                    switch.make_missing(wanted, pass);
                    switch.remove_strays(&self.books, pods, pass);
                }
                // A node without attachments may be one without a switch.
                Err(error) if wanted.is_empty() => log::debug!("{}", cni::chain(&error)),
                Err(error) => {
                    let found = format!("it does not answer, and has {} ports", wanted.len());
                    let finding = Finding::new(Kind::Switch, address, found, "compare them");
                    pass.fail(finding, cni::chain(&error));
                }
            }
        }
    }
}

/// A port that should be there.
struct Wanted<'a> {
    kept: &'a Kept<'a>,
    port: &'a NewPort,
}

/// A switch and the ports that attachments have in it.
struct Switch {
    switch: Vswitch,
    ports: Vec<(Owner, Port)>,
}

impl Switch {
    fn look(address: &Address) -> Result<Self, ovsdb::Error> {
        let mut switch = Vswitch::connect(address, deadline())?;
        let all: Vec<Port> = switch.owned(&[], deadline())?;
        let ports = all
            .into_iter()
            .filter_map(|port| Some((owner_of(&port.external_ids)?, port)))
            .collect();
        Ok(Self { switch, ports })
    }

    fn make_missing(&mut self, wanted: &[Wanted<'_>], pass: &mut Pass) {
        let until = Instant::now() + MAKE_DEADLINE;
        for Wanted { kept, port } in wanted {
            if self.ports.iter().any(|(owner, _)| owner == kept.owner()) {
                continue;
            }
            // A DEL may have come since its record was read.
            if kept.book.is_busy(kept.owner()) || !kept.is_still_attached() {
                continue;
            }
            let found = format!("the switch has lost its port {}", port.name);
            if port.kind == PortKind::VhostUser {
                // The pod has the socket of the lost one.
                let finding = Finding::new(Kind::LostPort, kept.name(), found, "delete the pod");
                pass.fail(
                    finding,
                    "only a new pod can have the new socket of a port in server mode",
                );
                continue;
            }
            let finding = Finding::new(Kind::LostPort, kept.name(), found, "make it again");
            pass.act(finding, || self.make(kept, port, until));
        }
    }

    /// Makes a port as ADD did.
    fn make(&mut self, kept: &Kept<'_>, port: &NewPort, until: Instant) -> Result<()> {
        let owner = kept.owner();
        let _lock = kept.book.locks.owner(owner, Duration::ZERO)?;
        ensure!(kept.is_still_attached(), "it is being detached");
        let view = self.switch.look(&port.bridge, &port.name, until)?;
        let faster = |port: &Port| owner_of(&port.external_ids).as_ref() == Some(owner);
        if view.port.as_ref().is_some_and(faster) {
            return Ok(());
        }
        // A port that was deleted by hand leaves its limit behind.
        self.switch.remove_ports(&[rows_of(owner)], until)?;
        let made = self.switch.add_port(port, view, until);
        if made.is_err()
            && let Err(error) = self.switch.remove_ports(&[rows_of(owner)], deadline())
        {
            log::warn!("{}", cni::chain(&error));
        }
        made?;
        Ok(())
    }

    /// Removes the ports that no record knows: a record is there before its port and goes after it, so these
    /// records were lost.
    fn remove_strays(&mut self, books: &[Book], pods: &Pods<'_>, pass: &mut Pass) {
        for (owner, port) in std::mem::take(&mut self.ports) {
            let maker = maker_of(&port.external_ids);
            let Some(book) = books.iter().find(|book| book.plugin == maker) else { continue };
            // Records that cannot be listed are none that are not there.
            if !matches!(book.journal.find(&owner), Ok(None)) || book.is_busy(&owner) {
                continue;
            }
            let name = format!("port {} of {owner}", port.name);
            let this_boot = port.external_ids.get(BOOT) == Some(book.journal.boot_id());
            let user = this_boot.then(|| self.used_by(&owner, &port.external_ids, pods)).flatten();
            if let Some(user) = user {
                let found = format!("there is no record of it, and {user}");
                pass.leave(Finding::new(Kind::StrayPort, name, found, "delete the pod"));
            } else {
                let found = "there is no record of it";
                let finding = Finding::new(Kind::StrayPort, name, found, "remove it");
                pass.act(finding, || self.remove(book, &owner));
            }
        }
    }

    /// Who uses a port of which nothing else is known, in words. In doubt somebody does.
    fn used_by(&mut self, owner: &Owner, ids: &Map, pods: &Pods<'_>) -> Option<String> {
        if let Some(pod) = pod_of(&ids.0).filter(|pod| pods.knows(pod) == Some(true)) {
            return Some(format!("kubelet knows its pod {pod}"));
        }
        match self.switch.owned::<Interface>(&rows_of(owner), deadline()) {
            Ok(rows) => {
                let reports = rows.iter().map(LinkReport::of);
                let mut used = reports.filter(|link| link.up || link.socket == "connected");
                used.next().map(|_| "an application is at work on it".to_owned())
            }
            Err(error) => Some(cni::chain(&error)),
        }
    }

    fn remove(&mut self, book: &Book, owner: &Owner) -> Result<()> {
        let _lock = book.locks.owner(owner, Duration::ZERO)?;
        if book.journal.find(owner)?.is_none() {
            self.switch.remove_ports(&[rows_of(owner)], deadline())?;
        }
        Ok(())
    }
}

/// Whose a row is.
fn owner_of(external_ids: &Map) -> Option<Owner> {
    let [container_id, ifname] =
        [CONTAINER, IFNAME].map(|key| external_ids.get(key).map(str::to_owned));
    Some(Owner { container_id: container_id?, ifname: ifname? })
}

/// The plugin that made a row.
fn maker_of(external_ids: &Map) -> &'static str {
    if external_ids.get(CHASSIS).is_some() { OVN } else { VHOSTUSER }
}

/// What finds the rows of an attachment.
fn rows_of(owner: &Owner) -> Vec<(&str, &str)> {
    vec![(CONTAINER, owner.container_id.as_str()), (IFNAME, owner.ifname.as_str())]
}

fn deadline() -> Instant {
    Instant::now() + DEADLINE
}
