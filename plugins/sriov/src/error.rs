//! What can go wrong, and the CNI code each case has (docs/errors.md).

use attachment::{ConfError, journal_code};
use cni::code;
use vf::PciAddr;

/// The VF has neither network interface nor DPDK driver.
pub(crate) const UNUSABLE_VF: u32 = 101;
/// A driver could not be bound.
pub(crate) const DRIVER: u32 = 102;
/// The kernel refused a VF setting.
pub(crate) const SETTING: u32 = 103;

/// Failures of the verbs.
#[derive(Debug, thiserror::Error)]
pub enum SriovError {
    /// Configuration.
    #[error("invalid sriov configuration")]
    Conf(#[from] ConfError),
    /// Another plugin (IPAM) failed; its own error object.
    #[error("{}", .0.msg)]
    Delegate(cni::Error),
    /// What every plugin does.
    #[error(transparent)]
    Attachment(#[from] attachment::Error),
    /// Records and locks.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// Namespaces and links.
    #[error(transparent)]
    Net(#[from] hostnet::Error),
    /// VFs.
    #[error(transparent)]
    Vf(#[from] vf::Error),
    /// `CNI_NETNS` is where the plugin runs.
    #[error("CNI_NETNS is the host's own network namespace")]
    HostNetns,
    /// The pod has such an interface already.
    #[error("interface {0} exists in the pod already")]
    IfNameTaken(String),
    /// The VF belongs to a living pod.
    #[error("VF {vf} is attached to container {owner}")]
    Claimed {
        /// VF.
        vf: PciAddr,
        /// Its owner.
        owner: String,
    },
    /// All VFs of the PF are taken.
    #[error("{pf} has no free VF: {why}")]
    NoFreeVf {
        /// PF netdev.
        pf: String,
        /// How many are claimed, pooled, in use.
        why: String,
    },
    /// No netdev, no DPDK driver.
    #[error("VF {vf} has no network interface and is bound to {driver}")]
    Unusable {
        /// VF.
        vf: PciAddr,
        /// Driver or "no driver".
        driver: String,
    },
    /// Under kubelet the pool decides the driver.
    #[error("VF {vf} is bound to {bound}, the configuration asks for {wanted}")]
    PoolDriver {
        /// VF.
        vf: PciAddr,
        /// Driver found.
        bound: String,
        /// Driver of `dpdk{}`.
        wanted: String,
    },
    /// The container has the device node of another group.
    #[error("VF {vf} was handed out in IOMMU group {allocated}, and is in group {present} now")]
    GroupChanged {
        /// VF.
        vf: PciAddr,
        /// Group of the container's device node.
        allocated: String,
        /// Group of the VF.
        present: String,
    },
    /// Another function of the PF has the MAC.
    #[error("mac {mac} belongs to {other} already")]
    MacTaken {
        /// MAC.
        mac: hostnet::Mac,
        /// Who has it.
        other: String,
        /// It is about to be given back.
        releasing: bool,
    },
    /// IPAM answered without an address.
    #[error("the IPAM plugin returned no address")]
    NoAddress,
    /// Device-info file.
    #[error(transparent)]
    DeviceInfo(#[from] npwg::Error),
}

impl SriovError {
    /// The code of the failure and what the user can do.
    fn code_and_hint(&self) -> (u32, &'static str) {
        match self {
            Self::Conf(_) => (code::CONFIG, "see the field table in the sriov README"),
            Self::Delegate(e) => (e.code, ""),
            Self::Attachment(e) => e.code_and_hint(),
            Self::Journal(e) => journal_code(e),
            Self::Net(_) | Self::DeviceInfo(_) => (code::IO, ""),
            Self::Vf(e) => vf_code(e),
            Self::HostNetns => (
                code::ENVIRONMENT,
                "a VF is attached to a pod's namespace; hostNetwork pods see it already",
            ),
            Self::IfNameTaken(_) => {
                (code::CONFIG, "choose another interface name for this network")
            }
            Self::Claimed { .. } => (code::TRY_AGAIN, "it is free when that container is deleted"),
            Self::NoFreeVf { .. } => {
                (code::TRY_AGAIN, "delete a pod, or create more VFs on the PF")
            }
            Self::Unusable { .. } => (
                UNUSABLE_VF,
                "bind its network driver, or vfio-pci; with dpdk{} the plugin binds the driver itself",
            ),
            Self::PoolDriver { .. } => (
                code::CONFIG,
                "a container's device nodes are fixed before ADD: let the device plugin's pool bind the driver",
            ),
            Self::GroupChanged { .. } => (
                code::CONFIG,
                "delete the pod: the group changed at reboot, and its containers keep their device nodes",
            ),
            Self::MacTaken { releasing: true, .. } => {
                (code::TRY_AGAIN, "the pod that had it is being deleted")
            }
            Self::MacTaken { .. } => (code::CONFIG, "give every VF of a PF its own MAC"),
            Self::NoAddress => (code::CONFIG, "check the ranges in ipam, or set l2enable"),
        }
    }
}

fn vf_code(error: &vf::Error) -> (u32, &'static str) {
    match error {
        vf::Error::NoDevice(_) | vf::Error::NotAVf(_) => (
            code::CONFIG,
            "deviceID has to be a VF of this host: ls /sys/class/net/PF/device/virtfn*",
        ),
        vf::Error::PfWithoutNetdev { .. } => {
            (code::CONFIG, "VF settings are made through the PF; use host-device inside a VM")
        }
        vf::Error::NoPf(_) => (code::CONFIG, "if0 has to be a network interface with SR-IOV"),
        vf::Error::NotReported { .. } | vf::Error::Sysfs { .. } | vf::Error::Net(_) => {
            (code::IO, "")
        }
        vf::Error::NoDriver { .. } => {
            (DRIVER, "install the kernel module, or choose another driver")
        }
        vf::Error::NotBound { .. } | vf::Error::NoNetdev { .. } => {
            (DRIVER, "look at dmesg for the driver's reason")
        }
        vf::Error::GroupNotViable { .. } => {
            (DRIVER, "bind the whole IOMMU group to vfio-pci, or enable ACS in firmware")
        }
        vf::Error::NoIommu(_) => (DRIVER, "switch the IOMMU on: intel_iommu=on or amd_iommu=on"),
        vf::Error::InUse(_) => (code::TRY_AGAIN, "end the process that has it open"),
        vf::Error::Settings { source, .. } => match source.errno() {
            Some(libc::EBUSY | libc::EAGAIN) => (code::TRY_AGAIN, "the PF is busy"),
            _ => (
                SETTING,
                "the PF's driver does not take this value, see the sriov README, 'Settings'",
            ),
        },
    }
}

impl From<SriovError> for cni::Error {
    fn from(error: SriovError) -> Self {
        match error {
            SriovError::Delegate(e) => e,
            other => {
                let (code, hint) = other.code_and_hint();
                Self::from_chain(code, &other, hint)
            }
        }
    }
}
