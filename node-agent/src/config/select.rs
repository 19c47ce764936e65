//! Which VFs a pool has.

use std::collections::BTreeSet;
use std::str::FromStr;

use anyhow::{Context, Result, ensure};
use vf::{Function, PciAddr};

/// VFs for which all that is given holds. An empty list says nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Selector {
    /// PFs, each with the numbers of its VFs.
    pub(crate) pfs: Vec<PfRange>,
    /// Vendors, four hexadecimal digits.
    pub(crate) vendors: Vec<String>,
    /// Devices, four hexadecimal digits.
    pub(crate) devices: Vec<String>,
    /// Drivers that are bound before the pool's own.
    pub(crate) drivers: Vec<String>,
    /// VFs.
    pub(crate) addresses: Vec<PciAddr>,
    /// NUMA node.
    pub(crate) numa: Option<u32>,
}

/// A PF, by network interface or PCI address, and the numbers of its VFs: `eth0`, `eth0#0-3,7`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PfRange {
    /// Interface or address.
    pub(crate) pf: String,
    /// All, where there are none.
    numbers: Option<BTreeSet<u32>>,
}

impl FromStr for PfRange {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || format!("{text:?} is not a PF such as eth0, eth0#0-3 or 0000:01:00.0#0,2-5");
        let (pf, list) = text.split_once('#').map_or((text, None), |(pf, list)| (pf, Some(list)));
        ensure!(!pf.is_empty() && !pf.contains(char::is_whitespace), wrong());
        let numbers = list.map(numbers).transpose().with_context(wrong)?;
        Ok(Self { pf: pf.to_owned(), numbers })
    }
}

fn numbers(list: &str) -> Result<BTreeSet<u32>> {
    let mut all = BTreeSet::new();
    for range in list.split(',') {
        let (from, to) = range.split_once('-').unwrap_or((range, range));
        let (from, to): (u32, u32) = (from.trim().parse()?, to.trim().parse()?);
        // A PF has 65535 at most (PCI-SIG SR-IOV 3.3.5).
        ensure!(from <= to && to <= 0xffff, "{range} is no range");
        all.extend(from..=to);
    }
    Ok(all)
}

impl PfRange {
    /// Whether the PF is this one.
    pub(crate) fn is(&self, pf: &Function) -> bool {
        pf.addr.to_string() == self.pf.to_ascii_lowercase()
            || pf.links.iter().any(|link| link.name == self.pf)
    }

    fn has(&self, number: u32) -> bool {
        self.numbers.as_ref().is_none_or(|numbers| numbers.contains(&number))
    }

    /// Refuses numbers that so many VFs do not have.
    pub(super) fn check_created(&self, count: u32) -> Result<()> {
        let last = self.numbers.as_ref().and_then(|numbers| numbers.last());
        ensure!(
            last.is_none_or(|last| *last < count),
            "{} VFs of {} are made, which have the numbers 0 to {}",
            count,
            self.pf,
            count - 1
        );
        Ok(())
    }

    fn overlap(&self, other: &Self) -> Option<String> {
        if self.pf != other.pf {
            return None;
        }
        match (&self.numbers, &other.numbers) {
            (Some(ours), Some(theirs)) => {
                ours.intersection(theirs).next().map(|number| format!("{}#{number}", self.pf))
            }
            (Some(some), None) | (None, Some(some)) => {
                some.first().map(|number| format!("{}#{number}", self.pf))
            }
            (None, None) => Some(self.pf.clone()),
        }
    }
}

impl Selector {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a VF is selected.
    pub(crate) fn selects(&self, vf: &Function, pf: &Function) -> bool {
        let any =
            |list: &[String], value: &str| list.is_empty() || list.iter().any(|one| one == value);
        let of_pf = |range: &PfRange| range.is(pf) && vf.index.is_some_and(|n| range.has(n));
        (self.pfs.is_empty() || self.pfs.iter().any(of_pf))
            && any(&self.vendors, &vf.vendor)
            && any(&self.devices, &vf.device)
            && any(&self.drivers, vf.driver.as_deref().unwrap_or_default())
            && (self.addresses.is_empty() || self.addresses.contains(&vf.addr))
            && self.numa.is_none_or(|numa| vf.numa == Some(numa))
    }

    /// A VF that both select by the PF's name, if nothing else keeps them apart.
    pub(super) fn overlap(&self, other: &Self) -> Option<String> {
        let apart = |one: &[String], other: &[String]| {
            !one.is_empty() && !other.is_empty() && !one.iter().any(|id| other.contains(id))
        };
        let lists = [
            (&self.vendors, &other.vendors),
            (&self.devices, &other.devices),
            (&self.drivers, &other.drivers),
        ];
        if lists.into_iter().any(|(one, other)| apart(one, other)) {
            return None;
        }
        if self.numa.is_some() && other.numa.is_some() && self.numa != other.numa {
            return None;
        }
        if !self.addresses.is_empty() || !other.addresses.is_empty() {
            let shared = self.addresses.iter().find(|addr| other.addresses.contains(addr));
            return shared.map(ToString::to_string);
        }
        let pairs = self.pfs.iter().flat_map(|one| other.pfs.iter().map(move |other| (one, other)));
        pairs.into_iter().find_map(|(one, other)| one.overlap(other))
    }
}
