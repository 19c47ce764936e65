//! CHECK: every attachment of the container, not only the default network's.

use attachment::{LOCK_DEADLINE, owner_of};
use cni::{Request, Version, logging, runtime};

use crate::MultusLite;
use crate::error::{Failures, MultusError};
use crate::record::{Attachment, Detail, Done};

pub(crate) fn check(plugin: &MultusLite, request: &Request) -> Result<(), cni::Error> {
    logging::init_of(&request.conf, &owner_of(request).to_string());
    Ok(check_pod(plugin, request)?)
}

fn check_pod(plugin: &MultusLite, request: &Request) -> Result<(), MultusError> {
    let owner = owner_of(request);
    let journal = plugin.journal()?;
    let _lock = plugin.locks.owner(&owner, LOCK_DEADLINE)?;
    let entry = journal.find(&owner)?.ok_or_else(|| MultusError::NotAttached(owner.to_string()))?;
    let (record, done) = journal.load_appended::<Detail, Done>(&entry)?;
    let done = done.ok_or_else(|| MultusError::NotAttached(owner.to_string()))?;
    let detail = record.detail;
    let mut failures = Failures::default();
    for (index, attachment) in detail.attachments.iter().enumerate() {
        let call = attachment.call(&owner, request.netns.as_deref(), &detail.path);
        let checked = call.and_then(|call| check_one(attachment, index, &done, &call));
        failures.note(checked.map_err(|error| MultusError::delegate(error, attachment)));
    }
    failures.into_result()
}

fn check_one(
    attachment: &Attachment,
    index: usize,
    done: &Done,
    call: &runtime::RuntimeCall,
) -> Result<(), cni::Error> {
    let list = attachment.list()?;
    if list.cni_version < Version::V0_4_0 {
        log::debug!("{} is too old for CHECK", attachment.what());
        return Ok(());
    }
    let result = done.result(index).ok_or_else(|| {
        cni::Error::new(cni::code::DECODE, "the recorded result cannot be read", "")
    })?;
    runtime::check(&list, call, &result)
}
