//! Device information (device-info-spec 1.1.0): what a device plugin and the CNI plugins tell the
//! pod about the device behind an interface, and the files in which they tell it.
//!
//! A device plugin writes one file per device ([`dp_file`]). For an attachment with a device it is
//! copied to a file of that attachment ([`copy_dp_to_cni`]), whose path goes to the plugins as the
//! capability [`CAPABILITY`]; they may read, extend or create it. Its contents ([`read`]) go into
//! the pod's status, and it is removed with the attachment ([`remove`]).

mod device;
mod file;

pub use device::{
    Device, DeviceInfo, Memif, MemifMode, MemifRole, Pci, SocketMode, Vdpa, VdpaDriver, VhostUser,
};
pub use file::{LIMIT, cni_file, copy_dp_to_cni, dp_file, read, remove, requested, write};

/// Where the files are, unless the program is told another place.
pub const DEFAULT_ROOT: &str = "/var/run/k8s.cni.cncf.io/devinfo";

/// The capability under which plugins learn the path of the attachment's file.
pub const CAPABILITY: &str = "CNIDeviceInfoFile";

/// The version of the specification this writes.
pub const VERSION: &str = "1.1.0";
