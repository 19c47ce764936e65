//! The caretaker: compares the records, sysfs, the switch and kubelet, and puts right what is left over.
//!
//! It decides which attachments are left over; taking one back is the work of the plugin that made it,
//! by its own DEL. So nothing here knows how a VF is restored, and what cannot be told from an
//! attachment that is in use is left alone.

mod books;
mod devices;
mod finding;
mod namespace;
mod pods;
mod ports;
mod verdict;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use cni::runtime::{NetworkList, RuntimeCall, del};
use hostnet::Host;
use journal::Owner;
use ovsdb::Address;
use serde_json::Map;

use books::{Book, Kept};
pub(crate) use finding::{Finding, Kind, Outcome, Pass};
use namespace::Namespace;
use pods::Pods;
use verdict::{Facts, Verdict, judge};

/// The program whose records cover what other plugins made for it.
const META: &str = "multus-lite";
/// Whose records there are; that of the meta-plugin first.
const PLUGINS: [&str; 4] = [META, "sriov", ports::VHOSTUSER, ports::OVN];

/// With what the node is kept in order
#[derive(Debug, Clone, Args)]
pub(crate) struct Means {
    /// Directories of CNI plugins, in order
    #[arg(
        long = "cni-path",
        value_name = "DIR:DIR",
        value_delimiter = ':',
        default_value = "/opt/cni/bin"
    )]
    pub(crate) cni_path: Vec<PathBuf>,
    /// Database of Open vSwitch
    #[arg(long, value_name = "ADDRESS", default_value = "unix:/var/run/openvswitch/db.sock")]
    pub(crate) ovsdb: Address,
    /// Socket by which kubelet tells its pods
    #[arg(
        long,
        value_name = "SOCKET",
        default_value = "/var/lib/kubelet/pod-resources/kubelet.sock"
    )]
    pub(crate) pod_resources: PathBuf,
    /// How long a container runtime has to finish by itself what was interrupted
    #[arg(long = "grace", value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub(crate) grace: Duration,
}

/// How long a container runtime has, unless told otherwise.
const GRACE: Duration = Duration::from_mins(1);

impl Means {
    /// With kubelet where it is on this host.
    pub(crate) fn new(host: &Host, cni_bin_dir: PathBuf, ovsdb: Address) -> Self {
        let pod_resources = host.kubelet.join("pod-resources/kubelet.sock");
        Self { cni_path: vec![cni_bin_dir], ovsdb, pod_resources, grace: GRACE }
    }
}

fn seconds(text: &str) -> Result<Duration, std::num::ParseIntError> {
    text.parse().map(Duration::from_secs)
}

/// Keeps one node in order.
#[derive(Debug)]
pub(crate) struct Caretaker {
    host: Host,
    means: Means,
    books: Vec<Book>,
}

impl Caretaker {
    /// The caretaker of this host.
    ///
    /// # Errors
    /// The identity of this boot cannot be read.
    pub(crate) fn new(host: &Host, means: Means) -> Result<Self> {
        let books = PLUGINS.map(|plugin| Book::open(host, plugin)).into_iter().collect();
        Ok(Self { host: host.clone(), means, books: Result::from(books)? })
    }

    /// Looks once, and does what there is to do: with `dry_run` it only tells. Blocks for as long as the
    /// plugins and the switch take; a second pass finds nothing that the first could put right.
    pub(crate) fn pass(&self, dry_run: bool) -> Pass {
        let mut pass = Pass::new(dry_run);
        let pods = Pods::new(&self.means.pod_resources, &self.host.proc);
        let mut covered = BTreeSet::new();
        let mut in_use = Vec::new();
        for book in &self.books {
            in_use.extend(self.judge_records(book, &mut covered, &pods, &mut pass));
            Self::sweep(book, &mut pass);
        }
        self.look_at_ports(&in_use, &pods, &mut pass);
        self.look_at_devices(&in_use, &mut pass);
        pass
    }

    /// Takes back what is left over. The attachments that are in use.
    fn judge_records<'a>(
        &'a self,
        book: &'a Book,
        covered: &mut BTreeSet<Owner>,
        pods: &Pods<'_>,
        pass: &mut Pass,
    ) -> Vec<Kept<'a>> {
        let mut in_use = Vec::new();
        for entry in book.entries(pass) {
            let Some(kept) = book.load(entry, pass) else { continue };
            if book.plugin == META {
                covered.extend(kept.covers());
            }
            if book.is_busy(kept.owner()) {
                continue;
            }
            let verdict = self.judge(&kept, pods);
            // What a meta-plugin had made goes by its DEL and not by itself.
            let judged = book.plugin == META || !covered.contains(kept.owner());
            match verdict {
                Verdict::InUse => in_use.push(kept),
                Verdict::LeftOver(reason) if judged => {
                    let finding =
                        Finding::new(Kind::LeftOver, kept.name(), reason.to_string(), "detach it");
                    pass.act(finding, || self.detach(&kept));
                }
                Verdict::Unseen(reason) if judged => {
                    let found = "its network namespace cannot be seen from here";
                    let action = "run where the namespaces of the host are mounted";
                    pass.fail(Finding::new(Kind::Unseen, kept.name(), found, action), reason);
                }
                _ => {}
            }
        }
        in_use
    }

    fn judge(&self, kept: &Kept<'_>, pods: &Pods<'_>) -> Verdict {
        let facts = Facts {
            this_boot: kept.this_boot(),
            namespace: Namespace::of(kept.netns(), &self.host.proc),
            stage: kept.stage,
            claim_given_up: kept.claim_given_up(),
            age: kept.age,
        };
        judge(facts, self.means.grace, || {
            kept.pod().is_some_and(|pod| pods.has_lost(&pod, kept.netns()))
        })
    }

    /// DEL of the plugin that made it, as the runtime would call it.
    fn detach(&self, kept: &Kept<'_>) -> Result<()> {
        let owner = kept.owner();
        let list = NetworkList::load(&kept.conf()?)?;
        let lives = kept.this_boot() && kept.netns().reopen().is_some();
        let call = RuntimeCall {
            container_id: owner.container_id.parse()?,
            ifname: owner.ifname.parse()?,
            netns: lives.then(|| kept.netns().path.clone()),
            args: cni::Args::default(),
            capability_args: Map::new(),
            path: self.means.cni_path.clone(),
        };
        del(&list, &call, None)?;
        let left = kept.book.journal.find(owner)?;
        ensure!(left.is_none(), "the plugin's DEL succeeded and left the record: see its log");
        Ok(())
    }

    /// Removes what killed calls left of a record that they were writing.
    fn sweep(book: &Book, pass: &mut Pass) {
        for owner in book.journal.temporaries().unwrap_or_default() {
            if book.is_busy(&owner) {
                continue;
            }
            let found = "a record was never finished";
            let name = format!("{} {owner}", book.plugin);
            pass.act(Finding::new(Kind::Temporary, name, found, "remove its file"), || {
                let _lock = book.locks.owner(&owner, Duration::ZERO)?;
                book.journal.remove_temporary(&owner).context("remove it")
            });
        }
    }
}

#[cfg(test)]
#[path = "caretaker_tests.rs"]
mod tests;
