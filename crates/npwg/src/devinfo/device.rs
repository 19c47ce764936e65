//! The description of a device (device-info-spec 3).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::VERSION;
use crate::{Error, Invalid};

/// A device, in JSON `{"type": T, "version": V, T: {...}}`. Read are all versions 1.x; a file of
/// before there were versions counts as 1.0.0. Unknown keys are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct DeviceInfo {
    /// Version of the specification it follows.
    pub version: String,
    /// The device.
    pub device: Device,
}

/// What kind of device it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Device {
    /// A function of a PCI device.
    Pci(Pci),
    /// A vDPA device.
    Vdpa(Vdpa),
    /// A vhost-user socket.
    VhostUser(VhostUser),
    /// A memif socket.
    Memif(Memif),
}

/// A function of a PCI device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Pci {
    /// Its address, `0000:af:06.0`.
    pub pci_address: String,
    /// Path of the vhost-net device, for an exceptional path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vhost_net: Option<String>,
    /// Name of its RDMA device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rdma_device: Option<String>,
    /// Address of the physical function it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pf_pci_address: Option<String>,
    /// Name of its representor on the host. Since 1.1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub representor_device: Option<String>,
}

/// A vDPA device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Vdpa {
    /// Its name on the vDPA bus.
    pub parent_device: String,
    /// Driver it is bound to.
    pub driver: VdpaDriver,
    /// Path of the vhost or virtio device.
    pub path: String,
    /// Address of the PCI function behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pci_address: Option<String>,
    /// Address of the physical function that one belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pf_pci_address: Option<String>,
    /// Name of its representor on the host. Since 1.1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub representor_device: Option<String>,
}

/// Driver of a vDPA device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VdpaDriver {
    /// A vhost device for the application.
    Vhost,
    /// A virtio interface of the kernel.
    Virtio,
}

/// A vhost-user socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VhostUser {
    /// Who makes it.
    pub mode: SocketMode,
    /// Its path in the container.
    pub path: String,
}

/// Who makes a vhost-user socket, seen from the container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SocketMode {
    /// The host does, and the application connects.
    Client,
    /// The application does, and the host connects.
    Server,
}

/// A memif socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memif {
    /// Who makes it.
    pub role: MemifRole,
    /// Its path in the container.
    pub path: String,
    /// What goes through it.
    pub mode: MemifMode,
}

/// Who makes a memif socket, seen from the container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MemifRole {
    /// The application does, and the host connects.
    Master,
    /// The host does, and the application connects.
    Slave,
}

/// What goes through a memif.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemifMode {
    /// Ethernet frames.
    Ethernet,
    /// IP packets.
    Ip,
    /// Reserved. Programs that use the Go client's constant write `punt`.
    #[serde(alias = "punt")]
    InjectPunt,
}

impl DeviceInfo {
    /// Describes `device`, in the version this crate implements.
    #[must_use]
    pub fn new(device: Device) -> Self {
        Self { version: VERSION.to_owned(), device }
    }

    /// Reads a description.
    ///
    /// # Errors
    /// [`Error::DeviceInfo`], whose source names the key that is missing or invalid.
    pub fn from_json(value: &Value) -> Result<Self, Error> {
        Self::deserialize(value).map_err(|source| Error::DeviceInfo { source })
    }
}

#[derive(Default, Clone, Serialize, Deserialize)]
struct Wire {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    version: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pci: Option<Pci>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    vdpa: Option<Vdpa>,
    #[serde(default, rename = "vhost-user", skip_serializing_if = "Option::is_none")]
    vhost_user: Option<VhostUser>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    memif: Option<Memif>,
}

impl TryFrom<Wire> for DeviceInfo {
    type Error = Invalid;

    fn try_from(wire: Wire) -> Result<Self, Invalid> {
        let version = if wire.version.is_empty() { "1.0.0".to_owned() } else { wire.version };
        if !version.starts_with("1.") {
            return Err(Invalid::new("version", &version.into(), "1.x.y, such as 1.1.0"));
        }
        let device = match wire.kind.as_str() {
            "pci" => wire.pci.map(Device::Pci),
            "vdpa" => wire.vdpa.map(Device::Vdpa),
            "vhost-user" => wire.vhost_user.map(Device::VhostUser),
            "memif" => wire.memif.map(Device::Memif),
            other => {
                let want = "pci, vdpa, vhost-user or memif";
                return Err(Invalid::new("type", &other.into(), want));
            }
        };
        let missing = || Invalid::missing(&wire.kind, "an object, because \"type\" names it");
        Ok(Self { version, device: device.ok_or_else(missing)? })
    }
}

impl From<DeviceInfo> for Wire {
    fn from(info: DeviceInfo) -> Self {
        let of =
            |kind: &str| Wire { kind: kind.to_owned(), version: info.version, ..Wire::default() };
        match info.device {
            Device::Pci(pci) => Wire { pci: Some(pci), ..of("pci") },
            Device::Vdpa(vdpa) => Wire { vdpa: Some(vdpa), ..of("vdpa") },
            Device::VhostUser(socket) => Wire { vhost_user: Some(socket), ..of("vhost-user") },
            Device::Memif(socket) => Wire { memif: Some(socket), ..of("memif") },
        }
    }
}

#[cfg(test)]
#[path = "device_tests.rs"]
mod tests;
