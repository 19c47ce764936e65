//! What CHECK compares: the directory and the socket as they are, with what they were made as.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use crate::{Error, Place, Rights};

/// How the directory differs from what [`make`](crate::make) made.
///
/// # Errors
/// It cannot be looked at.
pub fn directory_drift(place: &Place, rights: &Rights) -> Result<Option<String>, Error> {
    let dir = place.dir();
    let meta = match fs::symlink_metadata(dir) {
        Err(e) if e.kind() == ErrorKind::NotFound => {
            return Ok(Some(format!("{} is gone", dir.display())));
        }
        meta => meta.map_err(Error::directory("look at", dir))?,
    };
    if let Place::Volume { link, .. } = place
        && fs::read_link(link).ok().as_deref() != Some(dir)
    {
        return Ok(Some(format!("{} does not lead to {}", link.display(), dir.display())));
    }
    let other = |wanted: Option<u32>, found| wanted.is_some_and(|wanted| wanted != found);
    let wrong = !meta.is_dir()
        || other(rights.uid, meta.uid())
        || other(rights.gid, meta.gid())
        || meta.mode() & 0o777 != rights.mode;
    let has = || format!("mode {:o}, owner {}, group {}", meta.mode(), meta.uid(), meta.gid());
    Ok(wrong.then(|| format!("{} is not what it was: {}", dir.display(), has())))
}

/// How the socket in the directory differs. The application may not have made its own yet; the switch has:
/// `listening` is the switch's, where that is the one that listens.
///
/// # Errors
/// It cannot be looked at.
pub fn socket_drift(
    socket: &Path,
    rights: &Rights,
    listening: Option<&Path>,
) -> Result<Option<String>, Error> {
    let path = socket.display();
    let meta = match fs::symlink_metadata(socket) {
        Err(e) if e.kind() == ErrorKind::NotFound => {
            return Ok(listening.map(|_| format!("the socket {path} is gone")));
        }
        meta => meta.map_err(Error::directory("look at", socket))?,
    };
    if !meta.file_type().is_socket() {
        return Ok(Some(format!("{path} is not a socket")));
    }
    if let Some(listening) = listening
        && fs::symlink_metadata(listening).map(|meta| meta.ino()).ok() != Some(meta.ino())
    {
        return Ok(Some(format!("nobody listens on {path}: the switch was restarted")));
    }
    let stranger = rights.uid.is_some_and(|uid| uid != meta.uid());
    Ok(stranger.then(|| format!("the socket {path} belongs to user {}", meta.uid())))
}
