//! A pool: devices of a kind that kubelet hands out under one name.

use anyhow::{Result, bail, ensure};
use serde::Deserialize;
use vf::PciAddr;

use super::PREFIX;
use super::select::Selector;

/// Most slots of a pool: as many as pods of a node could ever want.
const MOST_SLOTS: u32 = 1000;
/// As long as the name of a slot may be, less its number.
const LONGEST_NAME: usize = 27;

/// A pool as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Written {
    name: String,
    vfs: Option<WrittenVfs>,
    slots: Option<SlotSpec>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct WrittenVfs {
    #[serde(default)]
    pfs: Vec<String>,
    #[serde(default)]
    vendors: Vec<String>,
    #[serde(default)]
    devices: Vec<String>,
    #[serde(default)]
    drivers: Vec<String>,
    #[serde(default)]
    addresses: Vec<PciAddr>,
    numa: Option<u32>,
    create: Option<u32>,
    driver: Option<Driver>,
    #[serde(default)]
    vhost_net: bool,
    #[serde(default)]
    prefer: Prefer,
}

/// A pool, checked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PoolSpec {
    /// `domain/name`.
    pub(crate) resource: String,
    /// Line of the file, for messages.
    pub(crate) line: u64,
    /// What is in it.
    pub(crate) kind: Kind,
}

/// What is in a pool.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    /// VFs.
    Vfs(VfSpec),
    /// Ports of OVS-DPDK that are made when a pod is attached.
    Slots(SlotSpec),
}

/// VFs of a pool.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct VfSpec {
    /// Which: those that any of these selects.
    pub(crate) selectors: Vec<Selector>,
    /// How many VFs are made of each PF that has none.
    pub(crate) create: Option<u32>,
    /// What they are bound to before they are offered; none leaves them as they are.
    pub(crate) driver: Option<Driver>,
    /// Containers get `/dev/vhost-net` and `/dev/net/tun`, too.
    pub(crate) vhost_net: bool,
    /// Which of several free ones a container gets.
    pub(crate) prefer: Prefer,
    /// kubelet is not told the NUMA node.
    pub(crate) exclude_topology: bool,
}

/// Who drives the VFs of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum Driver {
    /// The kernel's network driver: pods get interfaces.
    #[serde(rename = "kernel")]
    Kernel,
    /// For DPDK, behind an IOMMU.
    #[serde(rename = "vfio-pci")]
    VfioPci,
    /// For DPDK, from its own kernel module.
    #[serde(rename = "igb_uio")]
    IgbUio,
    /// For DPDK, of the kernel, for devices with legacy interrupts.
    #[serde(rename = "uio_pci_generic")]
    UioPciGeneric,
}

/// Which of several free devices of the same NUMA node a container gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Prefer {
    /// Of as few PFs as possible.
    #[default]
    Packed,
    /// Of as many PFs as possible.
    Spread,
}

/// Slots of a pool.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct SlotSpec {
    /// How many.
    pub(crate) count: u32,
    /// The bridge that their ports are on.
    pub(crate) bridge: BridgeSpec,
    /// NUMA node of the switch's pollers for them.
    pub(crate) numa: Option<u32>,
}

/// A bridge of OVS-DPDK.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct BridgeSpec {
    /// Its name.
    pub(crate) name: String,
    /// Make it where it is missing.
    #[serde(default)]
    pub(crate) create: bool,
    /// Functions that join it to the world, as DPDK ports.
    #[serde(default)]
    pub(crate) uplinks: Vec<PciAddr>,
}

impl PoolSpec {
    /// Checks what is written in this line.
    pub(super) fn of(written: Written, line: u64) -> Result<Self> {
        let Written { name, vfs, slots } = written;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        ensure!(
            name.len() <= LONGEST_NAME && name.chars().all(plain),
            "the name {name:?} has other characters than letters, digits, - and _, or more than {LONGEST_NAME}"
        );
        ensure!(
            ends(name.chars().next()) && ends(name.chars().last()),
            "the name {name:?} does not begin and end with a letter or a digit"
        );
        let kind = match (vfs, slots) {
            (Some(vfs), None) => Kind::Vfs(vfs.check()?),
            (None, Some(slots)) => Kind::Slots(slots.check()?),
            _ => bail!("pool {name} has either vfs or slots"),
        };
        Ok(Self { resource: format!("{PREFIX}/{name}"), line, kind })
    }

    /// The name after the domain.
    pub(crate) fn name(&self) -> &str {
        self.resource.rsplit('/').next().unwrap_or(&self.resource)
    }

    /// VFs that both pools select, whatever the node has.
    pub(super) fn overlap(&self, other: &Self) -> Option<String> {
        let (Kind::Vfs(ours), Kind::Vfs(theirs)) = (&self.kind, &other.kind) else { return None };
        let pairs =
            ours.selectors.iter().flat_map(|one| theirs.selectors.iter().map(move |o| (one, o)));
        pairs.into_iter().find_map(|(one, other)| one.overlap(other))
    }
}

impl WrittenVfs {
    fn check(self) -> Result<VfSpec> {
        let pfs = self.pfs.iter().map(|pf| pf.parse()).collect::<Result<_>>()?;
        let selector = Selector {
            pfs,
            vendors: lower(self.vendors),
            devices: lower(self.devices),
            drivers: self.drivers,
            addresses: self.addresses,
            numa: self.numa,
        };
        ensure!(
            !selector.is_empty(),
            "vfs selects nothing: name pfs, vendors, devices, drivers, addresses or numa"
        );
        if let Some(count) = self.create {
            ensure!(
                !selector.pfs.is_empty(),
                "create says how many VFs each of pfs has, and there are none"
            );
            ensure!(count > 0, "create is 0: leave it out, and the VFs that there are remain");
            for pf in &selector.pfs {
                pf.check_created(count)?;
            }
        }
        Ok(VfSpec {
            selectors: vec![selector],
            create: self.create,
            driver: self.driver,
            vhost_net: self.vhost_net,
            prefer: self.prefer,
            exclude_topology: false,
        })
    }
}

impl SlotSpec {
    fn check(self) -> Result<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let name = &self.bridge.name;
        ensure!((1..=MOST_SLOTS).contains(&self.count), "count is not from 1 to {MOST_SLOTS}");
        ensure!(
            (1..=15).contains(&name.len()) && name.chars().all(plain) && !name.starts_with('-'),
            "{name:?} is not the name of a bridge"
        );
        Ok(self)
    }
}

impl Driver {
    /// The driver's name; none is whatever network driver the kernel has for the device.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::Kernel => None,
            Self::VfioPci => Some("vfio-pci"),
            Self::IgbUio => Some("igb_uio"),
            Self::UioPciGeneric => Some("uio_pci_generic"),
        }
    }
}

fn lower(ids: Vec<String>) -> Vec<String> {
    ids.into_iter().map(|id| id.trim_start_matches("0x").to_ascii_lowercase()).collect()
}
