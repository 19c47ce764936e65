//! GC: our records that the runtime does not list are taken back; then the plugins of every network
//! are told which attachments of it are valid.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cni::runtime::{self, Cache, NetworkList};
use cni::{AttachmentId, GcRequest, logging};
use journal::{Entry, Journal};

use crate::conf::Conf;
use crate::del::{living, release, search_path};
use crate::detach::Container;
use crate::error::{Failures, MultusError};
use crate::record::{Detail, Done, PodRecord};
use crate::{MultusLite, NAME, statics};

/// Somebody who works on an attachment needs no help with it.
const LOCK_DEADLINE: Duration = Duration::from_secs(1);

pub(crate) fn gc(plugin: &MultusLite, request: &GcRequest) -> Result<(), cni::Error> {
    logging::init_of(&request.conf, "GC");
    // Without the key the runtime said nothing of what is valid; an empty list says "nothing is".
    let Some(valid) = &request.conf.valid_attachments else { return Ok(()) };
    Ok(collect(plugin, request, valid)?)
}

fn collect(
    plugin: &MultusLite,
    request: &GcRequest,
    valid: &[AttachmentId],
) -> Result<(), MultusError> {
    let journal = plugin.journal()?;
    // A network attached after its records were read would be collected.
    let _no_add = plugin.locks.device(NAME, attachment::LOCK_DEADLINE)?;
    let path = search_path(&request.conf, &request.path);
    let mut networks = Networks::default();
    let mut failures = Failures::default();
    networks.add_configured(&request.conf);
    let mut all_known = true;
    for entry in journal.entries()? {
        let record: PodRecord = match journal.load::<Detail>(&entry) {
            Ok(record) => record,
            // By a power cut, so its pod is gone; the record waits for its DEL.
            Err(error @ journal::Error::Damaged { .. }) if !is_valid(&entry, valid) => {
                log::warn!("{}: {}", entry.owner, cni::chain(&error));
                continue;
            }
            Err(error) => {
                failures.note(Err(error.into()));
                all_known = false;
                continue;
            }
        };
        networks.add_plugins(&record.detail);
        let ours = record.network == request.conf.name;
        if !ours || is_valid(&entry, valid) {
            networks.add_valid(&record);
            continue;
        }
        match take_back(plugin, &journal, &entry, &path) {
            Ok(true) => {}
            // A call is at work on it: not ours to judge.
            Ok(false) => networks.add_valid(&record),
            Err(error) => {
                // Its own DEL failed; the plugins' GC gets another try at it.
                failures.note(Err(error));
            }
        }
    }
    failures.note(journal.sweep(&plugin.locks).map_err(MultusError::from));
    if let Err(error) = networks.add_of_other_runtimes(&plugin.places.runtime_cache) {
        failures.note(Err(MultusError::Delegate(error)));
        all_known = false;
    }
    // What is not known to be valid would be taken from a pod that lives.
    if all_known {
        networks.collect(&path, &mut failures);
    }
    failures.into_result()
}

fn is_valid(entry: &Entry, valid: &[AttachmentId]) -> bool {
    let owner = &entry.owner;
    valid.iter().any(|v| v.container_id == owner.container_id && v.ifname == owner.ifname)
}

/// Detaches what a record holds; false when somebody else is at work on it.
fn take_back(
    plugin: &MultusLite,
    journal: &Journal,
    entry: &Entry,
    path: &[PathBuf],
) -> Result<bool, MultusError> {
    let Ok(_lock) = plugin.locks.owner(&entry.owner, LOCK_DEADLINE) else {
        log::info!("{}: another call is at work on it", entry.owner);
        return Ok(false);
    };
    if journal.find(&entry.owner)?.is_none() {
        return Ok(true);
    }
    log::info!("{}: the runtime does not know it any more", entry.owner);
    let (record, done) = journal.load_appended::<Detail, Done>(entry)?;
    let netns = living(&record.detail);
    let container = Container { owner: &entry.owner, netns, path };
    release(journal, entry, &container, &record.detail, done.as_ref())?;
    Ok(true)
}

/// The networks to collect, and what is valid of each.
#[derive(Default)]
struct Networks {
    /// By name and plugins: two definitions may share a name and still be different networks.
    /// Each with where its plugins were at ADD.
    lists: BTreeMap<(String, Vec<String>), (NetworkList, Vec<PathBuf>)>,
    /// By name, which is all that the plugins know.
    valid: BTreeMap<String, Vec<AttachmentId>>,
}

impl Networks {
    /// Those of the configuration are collected even when no record names them any more.
    fn add_configured(&mut self, conf: &cni::NetConf) {
        let Ok(conf) = Conf::of(conf) else { return };
        for network in statics::networks(&conf) {
            match network {
                Ok(list) => self.add(list, &[]),
                Err(error) => log::warn!("{}", cni::chain(&error)),
            }
        }
    }

    fn add_plugins(&mut self, detail: &Detail) {
        let lists = detail.attachments.iter().filter_map(|one| one.list().ok());
        lists.for_each(|list| self.add(list, &detail.path));
    }

    fn add(&mut self, list: NetworkList, path: &[PathBuf]) {
        let types = list.plugins.iter().map(|plugin| plugin.plugin_type.clone()).collect();
        let key = (list.name.clone(), types);
        let (_, known) = self.lists.entry(key).or_insert_with(|| (list, Vec::new()));
        known.extend(path.iter().filter(|dir| !known.contains(dir)).cloned().collect::<Vec<_>>());
    }

    fn add_valid(&mut self, record: &PodRecord) {
        for attachment in &record.detail.attachments {
            let Ok(list) = attachment.list() else { continue };
            self.valid.entry(list.name).or_default().push(AttachmentId {
                container_id: record.owner.container_id.clone(),
                ifname: attachment.ifname.to_string(),
            });
        }
    }

    /// Attachments that others made to the same networks are theirs to collect.
    fn add_of_other_runtimes(&mut self, cache: &Path) -> Result<(), cni::Error> {
        for entry in Cache::new(cache).entries()? {
            self.valid.entry(entry.list.name.clone()).or_default().push(entry.id());
        }
        Ok(())
    }

    fn collect(&self, path: &[PathBuf], failures: &mut Failures) {
        for ((name, _), (list, at_add)) in &self.lists {
            // Plugins may have moved, and other configurations have theirs elsewhere.
            let path = [path, at_add].concat();
            let valid = self.valid.get(name).map_or(&[][..], Vec::as_slice);
            log::info!("GC of network {name:?}, {} valid", valid.len());
            let collected = runtime::gc(list, valid, &path);
            failures.note(collected.map_err(|error| MultusError::network(error, name)));
        }
    }
}
