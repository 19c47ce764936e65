//! What has become of the namespace that an attachment was made for.

use std::io::ErrorKind;
use std::path::Path;

use hostnet::{Error, Netns, NetnsId};

/// What the path of a recorded namespace stands for now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Namespace {
    /// The same one.
    Lives,
    /// Another one, which is not to be touched.
    Another,
    /// Nothing.
    Gone,
    /// It cannot be seen from here, and may well live: this program may run in a container that does not
    /// have the host's `/run/netns`, or does not hear of what is mounted there.
    Unseen(String),
}

impl Namespace {
    /// Looks. `proc` is where processes are: their namespaces go together with the directory.
    pub(super) fn of(recorded: &NetnsId, proc: &Path) -> Self {
        let path = &recorded.path;
        match Netns::open(path).and_then(|netns| netns.id()) {
            Ok(found) if found == *recorded => Self::Lives,
            Ok(_) => Self::Another,
            Err(Error::OpenNetns { source, .. }) if source.kind() == ErrorKind::NotFound => {
                let dir = path.parent().unwrap_or(Path::new("/"));
                if path.starts_with(proc) || dir.exists() {
                    return Self::Gone;
                }
                Self::Unseen(format!("there is no directory {}", dir.display()))
            }
            Err(error) => Self::Unseen(cni::chain(&error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;

    fn of(path: PathBuf) -> Namespace {
        Namespace::of(&NetnsId { path, dev: 1, ino: 1 }, Path::new("/proc"))
    }

    #[test]
    fn a_missing_path_is_gone_only_where_its_directory_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(of(dir.path().join("pod")), Namespace::Gone);
        assert!(matches!(of(dir.path().join("netns/pod")), Namespace::Unseen(_)));
        assert_eq!(of("/proc/4194305/ns/net".into()), Namespace::Gone);
    }

    #[test]
    fn a_plain_file_is_a_namespace_that_is_mounted_elsewhere() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("pod"), "").unwrap();
        assert!(matches!(of(dir.path().join("pod")), Namespace::Unseen(_)));
    }

    #[test]
    fn the_same_one_lives_and_another_one_is_another() {
        let mut id = Netns::current().unwrap().id().unwrap();
        assert_eq!(Namespace::of(&id, Path::new("/proc")), Namespace::Lives);
        id.ino += 1;
        assert_eq!(Namespace::of(&id, Path::new("/proc")), Namespace::Another);
    }
}
