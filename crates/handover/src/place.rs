//! Where the socket of an attachment goes: a directory that its pod sees and no other.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use cni::Request;
use hostnet::Host;
use serde::{Deserialize, Serialize};

use crate::Error;

/// Longest path of a socket (`sun_path` in unix(7), with its final zero).
const MAX_SOCKET_PATH: usize = 107;

/// Below `/run/fastpath`: directories of their own, and links to volumes.
const OWN: &str = "vhostuser";
const SLOTS: &str = "slots";

/// Volume that userspace-cni's pods have for their sockets.
const VOLUME: &str = "shared-dir";

/// The directory of an attachment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub enum Place {
    /// Made for this attachment, removed with it. Somebody mounts it, or the application sees it.
    Own {
        /// Directory.
        dir: PathBuf,
    },
    /// A slot of the device plugin: kubelet mounts its directory into the container at the same path.
    /// It is emptied but never removed, since a running container holds it.
    Slot {
        /// Name of the slot.
        id: String,
        /// Directory.
        dir: PathBuf,
    },
    /// In the pod's volume `shared-dir`. Its path is longer than a socket's may be, so the switch goes
    /// through a link.
    Volume {
        /// Directory.
        dir: PathBuf,
        /// The link to it.
        link: PathBuf,
        /// Directory as the pod sees it.
        in_pod: PathBuf,
    },
}

/// `slot.json`, beside the directory of a slot: the node agent writes it, no pod sees it.
#[derive(Debug, Deserialize)]
struct SlotInfo {
    pool: String,
    bridge: String,
    numa: Option<u32>,
}

impl Place {
    /// The directory of the port `name`.
    #[must_use]
    pub fn own(run: &Path, name: &str) -> Self {
        Self::Own { dir: run.join(OWN).join(name) }
    }

    /// The directory of a slot.
    #[must_use]
    pub fn slot(run: &Path, id: &str) -> Self {
        Self::Slot { id: id.to_owned(), dir: slot_home(run, id).join("pod") }
    }

    /// The directory, on this host.
    #[must_use]
    pub fn dir(&self) -> &Path {
        match self {
            Self::Own { dir } | Self::Slot { dir, .. } | Self::Volume { dir, .. } => dir,
        }
    }

    /// The directory, as the switch has it in the socket's path.
    #[must_use]
    pub fn switch_dir(&self) -> &Path {
        match self {
            Self::Own { dir } | Self::Slot { dir, .. } => dir,
            Self::Volume { link, .. } => link,
        }
    }

    /// What the record of an attachment claims: its slot, or else the port of this name.
    #[must_use]
    pub fn claim(&self, port: &str) -> String {
        match self {
            Self::Slot { id, .. } => id.clone(),
            Self::Own { .. } | Self::Volume { .. } => port.to_owned(),
        }
    }

    /// The directory, as the application has it.
    #[must_use]
    pub fn pod_dir(&self) -> &Path {
        match self {
            Self::Own { dir } | Self::Slot { dir, .. } => dir,
            Self::Volume { in_pod, .. } => in_pod,
        }
    }
}

/// What a network and its pod want of the place.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// Slot that the device plugin handed out.
    pub slot: Option<&'a str>,
    /// Bridge of the port; that of the slot has to be the same.
    pub bridge: &'a str,
    /// Where stand-alone attachments have their directories, instead of `/run/fastpath/vhostuser`.
    pub shared_dir: Option<&'a Path>,
    /// Name of the socket.
    pub socket_file: &'a str,
    /// Where the pod mounts its volume `shared-dir`.
    pub mount_path: &'a Path,
}

/// Chooses the place, and tells the NUMA node, where that is known. `name` is the port's.
///
/// # Errors
/// [`Error::Slot`], [`Error::SlotBridge`], [`Error::NoSlotNoVolume`], [`Error::LongPath`].
pub fn choose(
    host: &Host,
    wish: &Wish<'_>,
    request: &Request,
    name: &str,
) -> Result<(Place, Option<u32>), Error> {
    let kubelet = request.args.get("K8S_POD_NAME").is_some();
    let (place, numa) = match (wish.slot, wish.shared_dir) {
        (Some(id), _) => slot(&host.run, wish.bridge, id)?,
        (None, _) if kubelet => (volume(host, wish.mount_path, request, name)?, None),
        (None, Some(shared)) => (Place::Own { dir: shared.join(name) }, None),
        (None, None) => (Place::own(&host.run, name), None),
    };
    let socket = place.switch_dir().join(wish.socket_file);
    if socket.as_os_str().len() > MAX_SOCKET_PATH {
        return Err(Error::LongPath(socket));
    }
    Ok((place, numa.or_else(|| only_numa_node(&host.sys))))
}

fn slot_home(run: &Path, id: &str) -> PathBuf {
    run.join(SLOTS).join(id)
}

fn slot(run: &Path, bridge: &str, id: &str) -> Result<(Place, Option<u32>), Error> {
    let path = slot_home(run, id).join("slot.json");
    let unreadable = |source| Error::Slot { id: id.to_owned(), path: path.clone(), source };
    let text = fs::read(&path).map_err(unreadable)?;
    let info: SlotInfo = serde_json::from_slice(&text).map_err(|e| unreadable(e.into()))?;
    if info.bridge != bridge {
        return Err(Error::SlotBridge {
            id: id.to_owned(),
            pool: info.pool,
            bridge: info.bridge,
            wanted: bridge.to_owned(),
        });
    }
    Ok((Place::slot(run, id), info.numa))
}

/// A pod's uid is of Kubernetes' making; it is checked all the same before it becomes a path.
fn volume(host: &Host, mount_path: &Path, request: &Request, name: &str) -> Result<Place, Error> {
    let uid = request.args.get("K8S_POD_UID").unwrap_or_default();
    let plain =
        (1..=64).contains(&uid.len()) && uid.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let volumes = host.kubelet.join("pods").join(uid).join("volumes/kubernetes.io~empty-dir");
    let volume = volumes.join(VOLUME);
    let is_dir = || fs::symlink_metadata(&volume).is_ok_and(|meta| meta.is_dir());
    if !plain || !is_dir() {
        return Err(Error::NoSlotNoVolume);
    }
    let ifname = request.ifname.as_str();
    let link = host.run.join(OWN).join(name);
    Ok(Place::Volume { dir: volume.join(ifname), link, in_pod: mount_path.join(ifname) })
}

/// Refuses what stands where something is going to be made. Nothing of it is ours: there is no record.
///
/// # Errors
/// [`Error::Present`], [`Error::Directory`].
pub fn refuse_present(place: &Place) -> Result<(), Error> {
    let ours: &[&Path] = match place {
        Place::Own { dir } => &[dir],
        Place::Slot { .. } => &[],
        Place::Volume { dir, link, .. } => &[dir, link],
    };
    for path in ours {
        match fs::symlink_metadata(path) {
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            Err(source) => return Err(Error::directory("look at", path)(source)),
            Ok(_) => return Err(Error::Present(path.to_path_buf())),
        }
    }
    Ok(())
}

/// The node of a host that has one.
fn only_numa_node(sys: &Path) -> Option<u32> {
    let online = fs::read_to_string(sys.join("devices/system/node/online")).ok()?;
    online.trim().parse().ok()
}
