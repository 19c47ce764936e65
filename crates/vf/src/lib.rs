//! Physical and virtual functions: inventory, settings, drivers.
//!
//! Touches: `/sys/bus/pci`, `/sys/kernel/iommu_groups`, the VF part of rtnetlink's link messages, and
//! the kernel's module loader. The only reader and writer of PCI sysfs; knows no CNI.
//!
//! Sources: Documentation/PCI/pci-iov-howto.rst, Documentation/ABI/testing/sysfs-bus-pci,
//! Documentation/driver-api/vfio.rst, `do_setvfinfo` in net/core/rtnetlink.c.

#![forbid(unsafe_code)]

mod driver;
mod error;
mod function;
mod module;
mod pci;
mod settings;
mod sysfs;

pub use driver::{Binding, DPDK_DRIVERS, is_dpdk_driver};
pub use error::Error;
pub use function::{Function, NetLink};
pub use module::is_known_driver;
pub use pci::PciAddr;
pub use settings::{LinkState, Rate, VfSettings, VfState, Vlan, VlanProto};
pub use sysfs::{Pf, Sysfs, Vf};
