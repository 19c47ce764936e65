//! What a runtime remembers of its attachments: `<dir>/results/<network>-<container>-<interface>`,
//! in the format of the Go library (`cniCacheV1`), because other runtimes and tools read it.

use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::attachment::{self, Attachment};
use super::call::{self, RuntimeCall};
use super::list::NetworkList;
use crate::{AddResult, AttachmentId, Error, code};

/// The directory of cached attachments. ADD, DEL and GC through it exclude each other by a lock.
#[derive(Debug, Clone)]
pub struct Cache {
    results: PathBuf,
}

impl Cache {
    /// The cache below `dir`, usually `/var/lib/cni`. Nothing is read or created yet.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        Self { results: dir.join("results") }
    }

    /// Attaches a container to a network and remembers it: before the first plugin runs, so that
    /// whatever an interrupted ADD left can be detached, and with the result afterwards.
    ///
    /// # Errors
    /// As [`super::add`]; code 7 when the container already has an interface of that name, 5 when
    /// the cache cannot be written. Only what could not be undone stays cached.
    pub fn add(&self, list: &NetworkList, call: &RuntimeCall) -> Result<AddResult, Error> {
        let _lock = self.lock()?;
        self.refuse_twice(call)?;
        call::find_plugins(list, &call.path)?;
        let mut attachment = Attachment {
            list: list.clone(),
            container_id: call.container_id.clone(),
            ifname: call.ifname.clone(),
            netns: call.netns.clone(),
            args: call.args.clone(),
            capability_args: call.capability_args.clone(),
            result: None,
        };
        self.save(&attachment)?;
        let added = call::add_all(list, call, &mut attachment.result);
        let Err(error) = added.and_then(|()| self.save(&attachment)) else {
            return Ok(attachment.result.unwrap_or_default());
        };
        let undone = call::undo(list, call, attachment.result.as_ref());
        Err(match undone.and_then(|()| self.forget(&attachment)) {
            Ok(()) => error,
            Err(left) => error.context(&format!("not undone, detach it to try again: {left}")),
        })
    }

    /// Detaches what is cached, with the configuration and result of its ADD, and forgets it.
    ///
    /// # Errors
    /// As [`super::del`]; the attachment stays cached then. Code 5 when the cache cannot be written.
    pub fn del(&self, attachment: &Attachment, path: &[PathBuf]) -> Result<(), Error> {
        let _lock = self.lock()?;
        self.del_locked(attachment, path)
    }

    /// Checks what is cached against the result of its ADD.
    ///
    /// # Errors
    /// As [`super::check`]; code 7 when no result is cached.
    pub fn check(&self, attachment: &Attachment, path: &[PathBuf]) -> Result<(), Error> {
        let _lock = self.lock()?;
        let Some(result) = &attachment.result else {
            let msg = format!("no result of {} is cached", attachment.ifname);
            return Err(Error::new(code::CONFIG, msg, "it cannot be checked, only detached"));
        };
        call::check(&attachment.list, &attachment.call(path), result)
    }

    /// Detaches the cached attachments of a network that `is_valid` denies, then runs GC of its
    /// plugins with the others. Returns what was detached, even beside an error. Does nothing when
    /// the network disables GC.
    ///
    /// # Errors
    /// All failures in one error, under the code of the first.
    pub fn gc(
        &self,
        list: &NetworkList,
        is_valid: impl Fn(&Attachment) -> bool,
        path: &[PathBuf],
    ) -> (Vec<AttachmentId>, Result<(), Error>) {
        let mut collected = Vec::new();
        if list.disable_gc {
            return (collected, Ok(()));
        }
        let entries = match self.lock().and_then(|lock| Ok((lock, self.entries()?))) {
            Ok(entries) => entries,
            Err(error) => return (collected, Err(error)),
        };
        let (_lock, mut entries) = entries;
        entries.retain(|entry| entry.list.name == list.name);
        let (valid, stale): (Vec<_>, Vec<_>) = entries.into_iter().partition(is_valid);

        let mut errors = Vec::new();
        for entry in stale.iter().rev() {
            match self.del_locked(entry, path) {
                Ok(()) => collected.push(entry.id()),
                Err(error) => errors.push(error),
            }
        }
        let valid: Vec<_> = valid.iter().map(Attachment::id).collect();
        errors.extend(call::gc(list, &valid, path).err());
        (collected, call::all(errors))
    }

    /// All cached attachments in the order they were made. Files that are none are skipped.
    ///
    /// # Errors
    /// Code 5 when the directory cannot be read.
    pub fn entries(&self) -> Result<Vec<Attachment>, Error> {
        let mut entries = Vec::new();
        let files = match fs::read_dir(&self.results) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(|error| failed("read", &self.results, &error))?,
        };
        for file in files {
            let file = file.map_err(|error| failed("read", &self.results, &error))?.path();
            if let Some(attachment) = attachment::load(&file)? {
                let modified = file.metadata().and_then(|meta| meta.modified());
                entries.push((modified.unwrap_or(SystemTime::UNIX_EPOCH), file, attachment));
            }
        }
        entries.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        Ok(entries.into_iter().map(|(_, _, attachment)| attachment).collect())
    }

    /// ADD of an interface that exists fails, and undoing that would take the existing one away.
    fn refuse_twice(&self, call: &RuntimeCall) -> Result<(), Error> {
        let (id, ifname) = (&call.container_id, &call.ifname);
        let same = |entry: &&Attachment| entry.container_id == *id && entry.ifname == *ifname;
        match self.entries()?.iter().find(same) {
            None => Ok(()),
            Some(entry) => {
                let network = &entry.list.name;
                let msg = format!("container {id} already has {ifname}, of network {network:?}");
                Err(Error::new(code::CONFIG, msg, "detach it first or choose another name"))
            }
        }
    }

    fn del_locked(&self, attachment: &Attachment, path: &[PathBuf]) -> Result<(), Error> {
        let Attachment { list, result, .. } = attachment;
        call::del(list, &attachment.call(path), result.as_ref())?;
        self.forget(attachment)
    }

    fn forget(&self, attachment: &Attachment) -> Result<(), Error> {
        let file = self.results.join(attachment.file_name());
        match fs::remove_file(&file) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(failed("remove", &file, &error))
            }
            _ => Ok(()),
        }
    }

    /// A file is there complete or not at all.
    fn save(&self, attachment: &Attachment) -> Result<(), Error> {
        let file = self.results.join(attachment.file_name());
        let temporary = self.results.join(format!(".{}.tmp", std::process::id()));
        let json = attachment.to_json()?.to_string();
        attachment::write(&temporary, json.as_bytes())
            .and_then(|()| fs::rename(&temporary, &file))
            .map_err(|error| failed("write", &file, &error))
    }

    /// Waits until no other process works on attachments of this cache.
    fn lock(&self) -> Result<File, Error> {
        let created = DirBuilder::new().recursive(true).mode(0o700).create(&self.results);
        created.map_err(|error| failed("create", &self.results, &error))?;
        let dir =
            File::open(&self.results).map_err(|error| failed("open", &self.results, &error))?;
        if dir.try_lock().is_err() {
            log::info!("waiting for another process that holds {}", self.results.display());
            dir.lock().map_err(|error| failed("lock", &self.results, &error))?;
        }
        Ok(dir)
    }
}

pub(super) fn failed(what: &str, path: &Path, error: &io::Error) -> Error {
    Error::new(code::IO, format!("{what} {}", path.display()), error.to_string())
}
