//! What the vhostuser plugin left beside the sockets of a container: the arguments that a DPDK
//! application is started with. A meta-plugin does not pass on where they are, so they are looked for.

use std::fs;
use std::path::{Path, PathBuf};

use cni::ContainerId;
use serde::Deserialize;

/// The arguments for one interface.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EalArgs {
    pub(crate) ifname: String,
    pub(crate) args: String,
}

/// As much of `attachment.json` as says whose the directory is.
#[derive(Deserialize)]
struct Attachment {
    #[serde(rename = "containerID")]
    container_id: String,
    ifname: String,
}

/// The arguments for all vhost-user interfaces of a container, by interface. `run` is where plugins keep
/// what a reboot empties, `sockets` are further places that are known.
pub(crate) fn eal_args(run: &Path, sockets: &[PathBuf], id: &ContainerId) -> Vec<EalArgs> {
    let slots = entries(&run.join("slots")).into_iter().map(|slot| slot.join("pod"));
    let known = sockets.iter().filter_map(|socket| Some(socket.parent()?.to_owned()));
    let dirs = entries(&run.join("vhostuser")).into_iter().chain(slots).chain(known);
    let mut found: Vec<EalArgs> = dirs.filter_map(|dir| of_directory(&dir, id)).collect();
    found.sort();
    found.dedup();
    found
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let listing = fs::read_dir(dir).into_iter().flatten();
    listing.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

fn of_directory(dir: &Path, id: &ContainerId) -> Option<EalArgs> {
    let attachment = fs::read(dir.join("attachment.json")).ok()?;
    let attachment: Attachment = serde_json::from_slice(&attachment).ok()?;
    let args = fs::read_to_string(dir.join("eal-args")).ok()?;
    let ours = attachment.container_id == id.as_str();
    ours.then(|| EalArgs { ifname: attachment.ifname, args: args.trim_end().to_owned() })
}
