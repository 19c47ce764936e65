//! What an application finds beside its socket: `attachment.json`, all that it may want to know, and
//! `eal-args`, what it is started with.

use cni::{AddResult, IpConfig, Route};
use npwg::devinfo::{Device, DeviceInfo, SocketMode, VhostUser};
use ovsdb::vswitch::PortKind;
use serde::Serialize;

use crate::directory::Directory;
use crate::error::VhostError;
use crate::record::Detail;

const ATTACHMENT: &str = "attachment.json";
const EAL_ARGS: &str = "eal-args";

/// `attachment.json`, version 1. The README explains the keys.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Attachment<'a> {
    version: u32,
    #[serde(rename = "containerID")]
    container_id: &'a str,
    ifname: &'a str,
    network: &'a str,
    /// Seen from the container.
    mode: SocketMode,
    socket_path: String,
    mac: &'a str,
    mtu: u32,
    queues: u16,
    numa: Option<u32>,
    ips: &'a [IpConfig],
    routes: &'a [Route],
}

/// What the two files tell beside what is in the record.
pub(crate) struct Facts<'a> {
    pub(crate) container_id: &'a str,
    pub(crate) ifname: &'a str,
    pub(crate) network: &'a str,
    pub(crate) queues: u16,
    pub(crate) numa: Option<u32>,
    pub(crate) mtu: u32,
    pub(crate) result: &'a AddResult,
}

/// Writes both files.
pub(crate) fn write(
    directory: &Directory<'_>,
    detail: &Detail,
    facts: &Facts<'_>,
) -> Result<(), VhostError> {
    let socket_path = detail.pod_socket().display().to_string();
    let args = eal_args(detail, facts.ifname, &socket_path, facts.queues);
    let attachment = Attachment {
        version: 1,
        container_id: facts.container_id,
        ifname: facts.ifname,
        network: facts.network,
        mode: mode(detail),
        socket_path,
        mac: &detail.port.mac,
        mtu: facts.mtu,
        queues: facts.queues,
        numa: facts.numa,
        ips: &facts.result.ips,
        routes: &facts.result.routes,
    };
    let mut json = serde_json::to_vec_pretty(&attachment).unwrap_or_default();
    json.push(b'\n');
    directory.write(ATTACHMENT, &json)?;
    directory.write(EAL_ARGS, args.as_bytes())
}

/// Only letters, digits and `/_.-:,=` can be in it: names and paths were checked for that, so a shell
/// may take it as it is. The interface's name keeps two attachments of a pod apart.
fn eal_args(detail: &Detail, ifname: &str, socket: &str, queues: u16) -> String {
    let server = match mode(detail) {
        SocketMode::Server => ",server=1",
        SocketMode::Client => "",
    };
    let mac = &detail.port.mac;
    format!("--vdev=virtio_user_{ifname},path={socket}{server},mac={mac},queues={queues}\n")
}

/// Seen from the container, while `mode` of the configuration is seen from the switch.
fn mode(detail: &Detail) -> SocketMode {
    match detail.port.kind {
        PortKind::VhostUserClient { .. } => SocketMode::Server,
        _ => SocketMode::Client,
    }
}

/// For the device-info file.
pub(crate) fn device_info(detail: &Detail) -> DeviceInfo {
    let path = detail.pod_socket().display().to_string();
    DeviceInfo::new(Device::VhostUser(VhostUser { mode: mode(detail), path }))
}
