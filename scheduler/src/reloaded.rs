//! What is read from files, and read again when they change: certificates are renewed, and a `ConfigMap` is
//! edited, while we run.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use anyhow::Result;

/// A value as it stands in files.
pub(crate) struct Reloaded<T> {
    files: Vec<PathBuf>,
    read: Read<T>,
    latest: Mutex<Latest<T>>,
}

type Read<T> = Box<dyn Fn() -> Result<T> + Send + Sync>;

struct Latest<T> {
    value: T,
    /// Of the files that it was read from.
    stamp: Stamp,
    /// What could not be read since; it is said once.
    bad: Option<Stamp>,
}

/// When each file was changed, which it is, and how long; none of a file that is not there.
type Stamp = Vec<Option<(SystemTime, u64, u64)>>;

impl<T: Clone> Reloaded<T> {
    /// Reads it for the first time. `read` reads these files.
    ///
    /// # Errors
    /// Those of `read`.
    pub(crate) fn new(
        files: Vec<PathBuf>,
        read: impl Fn() -> Result<T> + Send + Sync + 'static,
    ) -> Result<Self> {
        let stamp = stamp(&files);
        let latest = Latest { value: read()?, stamp, bad: None };
        Ok(Self { files, read: Box::new(read), latest: Mutex::new(latest) })
    }

    /// As it is now. Files that have changed and are no use, as they may be half-way through a change,
    /// leave the former value in use.
    pub(crate) fn get(&self) -> T {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = stamp(&self.files);
        if latest.stamp != stamp {
            match (self.read)() {
                Ok(value) => *latest = Latest { value, stamp, bad: None },
                Err(error) => {
                    if latest.bad.as_ref() != Some(&stamp) {
                        log::warn!("{error:#}; what was there before stays in use");
                    }
                    latest.bad = Some(stamp);
                }
            }
        }
        latest.value.clone()
    }
}

fn stamp(files: &[PathBuf]) -> Stamp {
    let of = |file: &PathBuf| {
        let metadata = fs::metadata(file).ok()?;
        Some((metadata.modified().ok()?, metadata.ino(), metadata.len()))
    };
    files.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use anyhow::ensure;

    use super::*;

    #[test]
    fn a_changed_file_is_read_again_and_a_broken_one_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "one").unwrap();
        let read = {
            let file = file.clone();
            move || {
                let text = fs::read_to_string(&file)?;
                ensure!(!text.contains("bad"), "it is bad");
                Ok(text)
            }
        };
        let reloaded = Reloaded::new(vec![file.clone()], read).unwrap();
        assert_eq!(reloaded.get(), "one");
        for (text, value) in [("two!", "two!"), ("bad", "two!"), ("three", "three")] {
            fs::write(&file, text).unwrap();
            assert_eq!(reloaded.get(), value, "{text}");
        }
        fs::remove_file(&file).unwrap();
        assert_eq!(reloaded.get(), "three");
    }

    #[test]
    fn what_cannot_be_read_at_first_is_an_error() {
        let read = || Ok(fs::read_to_string("/nonexistent/file")?);
        assert!(Reloaded::new(Vec::new(), read).is_err());
    }
}
