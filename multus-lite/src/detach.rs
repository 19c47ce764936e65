//! Taking attachments back: what a failed ADD, DEL and GC share.

use std::path::{Path, PathBuf};

use cni::runtime;
use journal::Owner;
use npwg::devinfo;

use crate::error::{Failures, MultusError};
use crate::record::{Attachment, Done};

/// Whose attachments, and how their plugins are reached.
pub(crate) struct Container<'a> {
    pub(crate) owner: &'a Owner,
    /// None when the namespace is gone.
    pub(crate) netns: Option<&'a Path>,
    /// Where plugins are searched.
    pub(crate) path: &'a [PathBuf],
}

/// Runs DEL of these attachments in reverse order (multi-net-spec 7.2: all are attempted, errors
/// are reported) and removes their device-info files.
pub(crate) fn detach(
    container: &Container<'_>,
    attachments: &[Attachment],
    done: Option<&Done>,
) -> Result<(), MultusError> {
    let mut failures = Failures::default();
    for (index, attachment) in attachments.iter().enumerate().rev() {
        log::info!("DEL of {}", attachment.what());
        failures.note(detach_one(container, attachment, index, done));
        if let Some(file) = &attachment.device_info {
            failures.note(devinfo::remove(file).map_err(MultusError::from));
        }
    }
    failures.into_result()
}

fn detach_one(
    container: &Container<'_>,
    attachment: &Attachment,
    index: usize,
    done: Option<&Done>,
) -> Result<(), MultusError> {
    let previous = done.and_then(|done| done.result(index));
    let call = attachment.call(container.owner, container.netns, container.path);
    call.and_then(|call| runtime::del(&attachment.list()?, &call, previous.as_ref()))
        .map_err(|error| MultusError::delegate(error, attachment))
}
