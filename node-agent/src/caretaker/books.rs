//! The records of the plugins, as far as the caretaker reads them.

use std::time::Duration;

use anyhow::{Context, Result};
use hostnet::{Host, NetnsId};
use journal::{Entry, Error, Journal, Locks, Owner, Record, Stage};
use kubelet::PodKey;
use ovsdb::vswitch::NewPort;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};
use vf::PciAddr;

use super::{Finding, Kind, META, Pass, ports};

/// The records of one plugin.
#[derive(Debug)]
pub(super) struct Book {
    pub(super) plugin: &'static str,
    pub(super) journal: Journal,
    pub(super) locks: Locks,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Kept<'a> {
    pub(super) book: &'a Book,
    pub(super) entry: Entry,
    pub(super) record: Record<Detail>,
    pub(super) stage: Stage,
    /// Since it was last written to.
    pub(super) age: Duration,
}

/// What a plugin's part of a record holds for others to read.
#[derive(Debug, Deserialize)]
pub(super) struct Detail {
    /// The pod's namespace; every plugin has it.
    netns: NetnsId,
    /// vhostuser and ovn: its port ...
    pub(super) port: Option<NewPort>,
    /// ... in the switch with this database, maybe one that this program has no way to.
    pub(super) ovsdb: Option<String>,
    /// sriov: its device.
    pub(super) vf: Option<PciAddr>,
    /// multus-lite: what it has had made.
    #[serde(default)]
    attachments: Vec<Delegated>,
}

/// An attachment that multus-lite has had made.
#[derive(Debug, Deserialize)]
struct Delegated {
    ifname: String,
    args: String,
}

impl Book {
    pub(super) fn open(host: &Host, plugin: &'static str) -> Result<Self> {
        let journal = Journal::open(&host.state, &host.proc, plugin)
            .context("tell this boot from an earlier one")?;
        Ok(Self { plugin, journal, locks: Locks::new(&host.run, plugin) })
    }

    /// Their names, sorted.
    pub(super) fn entries(&self, pass: &mut Pass) -> Vec<Entry> {
        match self.journal.entries() {
            Ok(mut entries) => {
                entries.sort_by(|one, other| one.owner.cmp(&other.owner));
                entries
            }
            Err(error) => {
                let name = format!("records of {}", self.plugin);
                let finding =
                    Finding::new(Kind::Unreadable, name, "they cannot be listed", "compare them");
                pass.fail(finding, cni::chain(&error));
                Vec::new()
            }
        }
    }

    /// A record; none where it is gone since, or says nothing.
    pub(super) fn load(&self, entry: Entry, pass: &mut Pass) -> Option<Kept<'_>> {
        let read = || {
            let (record, stage) = self.journal.load_staged(&entry)?;
            // A clock that was set back does not make it young.
            let age = self.journal.written(&entry)?.elapsed().unwrap_or(Duration::MAX);
            Ok((record, stage, age))
        };
        match read() {
            Ok((record, stage, age)) => Some(Kept { book: self, entry, record, stage, age }),
            Err(Error::File { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                None
            }
            Err(error) => {
                let name = format!("{} {}", self.plugin, entry.owner);
                let action = "wait for its pod's DEL, which brings the configuration";
                let finding =
                    Finding::new(Kind::Unreadable, name, "its record says nothing", action);
                pass.fail(finding, cni::chain(&error));
                None
            }
        }
    }

    /// Whether a call works on this attachment, which needs no help then. In doubt it does.
    pub(super) fn is_busy(&self, owner: &Owner) -> bool {
        self.locks.is_held(owner).unwrap_or_else(|error| {
            log::warn!("{}", cni::chain(&error));
            true
        })
    }
}

impl Kept<'_> {
    pub(super) fn owner(&self) -> &Owner {
        &self.entry.owner
    }

    /// For people: whose record it is.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.book.plugin, self.entry.owner)
    }

    pub(super) fn netns(&self) -> &NetnsId {
        &self.record.detail.netns
    }

    pub(super) fn this_boot(&self) -> bool {
        self.record.boot_id == self.book.journal.boot_id()
    }

    /// Whether its record is still there, and no DEL has begun.
    pub(super) fn is_still_attached(&self) -> bool {
        let now = self.book.journal.load_staged::<IgnoredAny>(&self.entry);
        now.is_ok_and(|(_, stage)| stage == Stage::Attached)
    }

    /// The configuration of ADD, for the plugin by the name that it is installed under: what the record's
    /// own `type` stands for may be somebody else's program by now.
    pub(super) fn conf(&self) -> Result<Vec<u8>> {
        let mut conf: Map<String, Value> =
            serde_json::from_str(&self.record.conf).context("read the recorded configuration")?;
        conf.retain(|key, _| !key.eq_ignore_ascii_case("type"));
        conf.insert("type".to_owned(), self.book.plugin.into());
        Ok(Value::from(conf).to_string().into_bytes())
    }

    /// The meta-plugin claims nothing.
    pub(super) fn claim_given_up(&self) -> bool {
        self.entry.claim.is_none() && self.book.plugin != META
    }

    /// Whom other plugins' records that came by this one have as owners.
    pub(super) fn covers(&self) -> impl Iterator<Item = Owner> {
        self.record.detail.attachments.iter().map(|one| Owner {
            container_id: self.entry.owner.container_id.clone(),
            ifname: one.ifname.clone(),
        })
    }

    /// The pod, where the record names it.
    pub(super) fn pod(&self) -> Option<PodKey> {
        let detail = &self.record.detail;
        if let Some(port) = &detail.port {
            return ports::pod_of(&port.owner);
        }
        let args = cni::Args::parse(&detail.attachments.first()?.args).ok()?;
        let arg = |key| args.get(key).filter(|value| !value.is_empty()).map(str::to_owned);
        Some(PodKey {
            namespace: arg("K8S_POD_NAMESPACE")?,
            name: arg("K8S_POD_NAME")?,
            uid: String::new(),
        })
    }
}
