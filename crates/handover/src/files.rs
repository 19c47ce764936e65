//! What an application finds beside its socket: `attachment.json`, all that it may want to know, and
//! `eal-args`, what it is started with.

use cni::{IpConfig, Route};
use npwg::devinfo::{Device, DeviceInfo, SocketMode, VhostUser};
use serde::Serialize;

use crate::{Directory, Error};

const ATTACHMENT: &str = "attachment.json";
const EAL_ARGS: &str = "eal-args";

/// `attachment.json`.
#[derive(Serialize)]
struct Attachment<'a> {
    version: u32,
    #[serde(flatten)]
    application: &'a Application<'a>,
}

/// What an application is told. The README of `vhostuser` explains the keys.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Application<'a> {
    /// Container.
    #[serde(rename = "containerID")]
    pub container_id: &'a str,
    /// Interface.
    pub ifname: &'a str,
    /// Network.
    pub network: &'a str,
    /// Who listens, seen from the container.
    pub mode: SocketMode,
    /// Path of the socket as the application has it.
    pub socket_path: String,
    /// Its MAC.
    pub mac: &'a str,
    /// Its MTU, bytes.
    pub mtu: u32,
    /// Queue pairs.
    pub queues: u16,
    /// NUMA node of the switch's memory, where that is known.
    pub numa: Option<u32>,
    /// Its addresses, which it configures itself.
    pub ips: &'a [IpConfig],
    /// Its routes.
    pub routes: &'a [Route],
}

impl Application<'_> {
    /// Writes both files.
    ///
    /// # Errors
    /// [`Error::Directory`].
    pub fn write(&self, directory: &Directory<'_>) -> Result<(), Error> {
        let attachment = Attachment { version: 1, application: self };
        let mut json = serde_json::to_vec_pretty(&attachment).unwrap_or_default();
        json.push(b'\n');
        directory.write(ATTACHMENT, &json)?;
        directory.write(EAL_ARGS, self.eal_args().as_bytes())
    }

    /// Only letters, digits and `/_.-:,=` can be in it: names and paths were checked for that, so a shell
    /// may take it as it is. The interface's name keeps two attachments of a pod apart.
    fn eal_args(&self) -> String {
        let server = match self.mode {
            SocketMode::Server => ",server=1",
            SocketMode::Client => "",
        };
        let Self { ifname, socket_path, mac, queues, .. } = self;
        format!(
            "--vdev=virtio_user_{ifname},path={socket_path}{server},mac={mac},queues={queues}\n"
        )
    }
}

/// For the device-info file.
#[must_use]
pub fn device_info(mode: SocketMode, socket_path: String) -> DeviceInfo {
    DeviceInfo::new(Device::VhostUser(VhostUser { mode, path: socket_path }))
}
