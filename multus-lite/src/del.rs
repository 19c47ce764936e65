//! DEL: from the record, not from the configuration, without API server and kubelet.

use std::path::{Path, PathBuf};

use attachment::{LOCK_DEADLINE, begin_removal, owner_of};
use cni::{NetConf, Request, logging, runtime};
use journal::{Entry, Journal};

use crate::conf::Conf;
use crate::detach::{Container, detach};
use crate::error::MultusError;
use crate::record::{Attachment, Detail, Done};
use crate::{MultusLite, multus_cache, statics};

pub(crate) fn del(plugin: &MultusLite, request: &Request) -> Result<(), cni::Error> {
    let owner = owner_of(request);
    logging::init_of(&request.conf, &owner.to_string());
    Ok(detach_pod(plugin, request)?)
}

fn detach_pod(plugin: &MultusLite, request: &Request) -> Result<(), MultusError> {
    let owner = owner_of(request);
    let journal = plugin.journal()?;
    let _lock = plugin.locks.owner(&owner, LOCK_DEADLINE)?;
    journal.remove_temporary(&owner)?;
    let path = search_path(&request.conf, &request.path);
    let container = Container { owner: &owner, netns: request.netns.as_deref(), path: &path };
    let Some(entry) = journal.find(&owner)? else {
        return without_record(plugin, request, &container);
    };
    match journal.load_appended::<Detail, Done>(&entry) {
        Ok((record, done)) => release(&journal, &entry, &container, &record.detail, done.as_ref()),
        Err(error @ journal::Error::Damaged { .. }) => {
            damaged(plugin, request, &journal, &entry, &container, &error)
        }
        Err(error) => Err(error.into()),
    }
}

/// Takes back all attachments of a record; it stays until that is done.
pub(crate) fn release(
    journal: &Journal,
    entry: &Entry,
    container: &Container<'_>,
    detail: &Detail,
    done: Option<&Done>,
) -> Result<(), MultusError> {
    begin_removal(journal, entry);
    // Plugins may have moved since ADD.
    let mut path = container.path.to_vec();
    path.extend(detail.path.iter().filter(|dir| !container.path.contains(dir)).cloned());
    detach(&Container { path: &path, ..*container }, &detail.attachments, done)?;
    Ok(journal.remove(entry)?)
}

/// No record: nothing was done or all is undone, or Multus did it, or the record was lost. What the
/// configuration itself names is detached in any case; a DEL too many does no harm.
fn without_record(
    plugin: &MultusLite,
    request: &Request,
    container: &Container<'_>,
) -> Result<(), MultusError> {
    let conf = match Conf::of(&request.conf) {
        Ok(conf) => conf,
        Err(error) => {
            log::warn!(
                "nothing is recorded, and the configuration is no help: {}",
                cni::chain(&error)
            );
            return Ok(());
        }
    };
    if multus_cache::detach(&conf, container)? {
        return Ok(());
    }
    let mut attachments = statics::attachments(&conf, request, &plugin.places.device_info);
    attachments.retain(|attachment| installed(attachment, container.path));
    detach(container, &attachments, None)
}

/// A plugin that is not there was never called: an ADD refused for that must not end in a DEL that fails.
fn installed(attachment: &Attachment, path: &[PathBuf]) -> bool {
    let found = attachment.list().and_then(|list| runtime::find_plugins(&list, path));
    found.inspect_err(|error| log::warn!("{}: {error}", attachment.what())).is_ok()
}

/// A power cut damaged the record: its pod is gone. What can still be known is detached; the rest is
/// said once, and is GC's work.
fn damaged(
    plugin: &MultusLite,
    request: &Request,
    journal: &Journal,
    entry: &Entry,
    container: &Container<'_>,
    error: &journal::Error,
) -> Result<(), MultusError> {
    log::error!("{}", cni::chain(error));
    without_record(plugin, request, container)?;
    journal.remove(entry)?;
    Err(MultusError::RecordLost { owner: container.owner.to_string() })
}

/// `binDir` and `CNI_PATH`, as far as the configuration can be read.
pub(crate) fn search_path(conf: &NetConf, cni_path: &[PathBuf]) -> Vec<PathBuf> {
    Conf::of(conf).map_or_else(|_| cni_path.to_vec(), |conf| conf.search_path(cni_path))
}

/// The path of a recorded namespace, when it still stands for the same one.
pub(crate) fn living(detail: &Detail) -> Option<&Path> {
    detail.netns.reopen().map(|_| detail.netns.path.as_path())
}
