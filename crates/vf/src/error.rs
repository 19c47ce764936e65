//! What can fail with PFs, VFs and their drivers.

use std::io;
use std::path::PathBuf;

use crate::PciAddr;

/// Failures of VF operations. The variant is the operation, the fields its object.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such PCI device.
    #[error("there is no PCI device {0}")]
    NoDevice(PciAddr),
    /// The device has no `physfn`.
    #[error("{0} is not an SR-IOV virtual function")]
    NotAVf(PciAddr),
    /// The PF's netdev is hidden or absent.
    #[error("the PF {pf} of VF {vf} has no network interface in the host's namespace")]
    PfWithoutNetdev {
        /// VF asked for.
        vf: PciAddr,
        /// Its PF.
        pf: PciAddr,
    },
    /// There is no such interface, or it is no PF.
    #[error("{0} is not an SR-IOV physical function of this host")]
    NoPf(String),
    /// The kernel does not list the VF among the PF's VFs.
    #[error("the PF {pf} does not report VF {index}")]
    NotReported {
        /// PF netdev.
        pf: String,
        /// VF index.
        index: u32,
    },
    /// A sysfs file could not be read or written.
    #[error("{operation} {path}")]
    Sysfs {
        /// "read" or "write VALUE to".
        operation: String,
        /// File.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// A driver is neither loaded nor loadable.
    #[error("driver {driver} is not available: {reason}")]
    NoDriver {
        /// Driver name.
        driver: String,
        /// Why loading did not help.
        reason: String,
    },
    /// The driver did not take the device in time.
    #[error("driver {driver} did not bind {vf} within {seconds} s; bound is {bound}")]
    NotBound {
        /// VF.
        vf: PciAddr,
        /// Wanted driver.
        driver: String,
        /// Driver found instead, or "none".
        bound: String,
        /// Deadline.
        seconds: u64,
    },
    /// Another device of the IOMMU group has a kernel driver.
    #[error("{sibling} shares IOMMU group {group} with {vf} and is bound to {driver}")]
    GroupNotViable {
        /// VF.
        vf: PciAddr,
        /// Device in the way.
        sibling: String,
        /// Its driver.
        driver: String,
        /// Group number.
        group: String,
    },
    /// vfio-pci without an IOMMU.
    #[error("{0} has no IOMMU group, so vfio-pci cannot isolate it")]
    NoIommu(PciAddr),
    /// Somebody has the VF's VFIO group open.
    #[error("VF {0} is in use: its VFIO group is still open in a process")]
    InUse(PciAddr),
    /// No netdev appeared.
    #[error("VF {vf} has no network interface {seconds} s after its driver was bound")]
    NoNetdev {
        /// VF.
        vf: PciAddr,
        /// Deadline.
        seconds: u64,
    },
    /// A VF attribute was refused.
    #[error("set {settings} of VF {index} of {pf}")]
    Settings {
        /// PF netdev.
        pf: String,
        /// VF index.
        index: u32,
        /// Keys and values of the request, or the one found to be refused.
        settings: String,
        /// Cause.
        source: hostnet::Error,
    },
    /// rtnetlink.
    #[error(transparent)]
    Net(#[from] hostnet::Error),
}
