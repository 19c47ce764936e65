//! The VF and the namespace it goes to.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::contender::Contender;

/// PCI address of the first VF of the VM's first card.
pub(crate) const VF: &str = "0000:01:10.0";
/// VLAN that the contenders set.
pub(crate) const VLAN: u32 = 100;
/// Name of the VF in the namespace.
pub(crate) const IFNAME: &str = "net1";

const NETNS: &str = "bench";
/// Until the kernel has probed the VFs.
const PROBE: Duration = Duration::from_mins(1);

/// The VF at home, and the namespace beside it.
pub(crate) struct Stage {
    /// Network interface of the PF.
    pub(crate) pf: String,
    /// How many VFs it has.
    pub(crate) vfs: u32,
    /// The VF's network interface at home.
    pub(crate) netdev: String,
    /// Path of the namespace.
    pub(crate) netns: PathBuf,
}

impl Stage {
    /// Makes VFs and the namespace. The VM goes afterwards, and both with it.
    pub(crate) fn set(pf: &str, vfs: u32) -> Result<Self> {
        let numvfs = Path::new("/sys/class/net").join(pf).join("device/sriov_numvfs");
        fs::write(&numvfs, vfs.to_string())
            .with_context(|| format!("write {}", numvfs.display()))?;
        let end = Instant::now() + PROBE;
        let netdev = loop {
            match netdevs()?.pop() {
                Some(name) => break name,
                None if Instant::now() < end => sleep(Duration::from_millis(100)),
                None => bail!("VF {VF} of {pf} has no network interface"),
            }
        };
        // The siblings are probed after it and would disturb the first rounds.
        sleep(Duration::from_secs(3));
        let made = Command::new("ip").args(["netns", "add", NETNS]).status().context("run ip")?;
        ensure!(made.success(), "ip netns add {NETNS}: {made}");
        let netns = Path::new("/run/netns").join(NETNS);
        Ok(Self { pf: pf.to_owned(), vfs, netdev, netns })
    }

    /// After ADD: the VF has left this namespace, and its VLAN is as the contender sets it.
    pub(crate) fn must_be_away(&self, contender: &Contender) -> Result<()> {
        let left = netdevs()?;
        ensure!(left.is_empty(), "ADD of {} has not moved {}", contender.name, self.netdev);
        ensure!(
            self.has_vlan()? == contender.vlan,
            "ADD of {} has not left the VLAN as it should",
            contender.name
        );
        Ok(())
    }

    /// After DEL: the VF is back under its name, without a VLAN.
    pub(crate) fn must_be_home(&self, contender: &Contender) -> Result<()> {
        let here = netdevs()?;
        let name = &contender.name;
        ensure!(here == [self.netdev.as_str()], "DEL of {name} has left {here:?} at home");
        ensure!(!self.has_vlan()?, "DEL of {name} has left the VLAN");
        Ok(())
    }

    fn has_vlan(&self) -> Result<bool> {
        let shown =
            Command::new("ip").args(["link", "show", &self.pf]).output().context("run ip")?;
        let text = String::from_utf8_lossy(&shown.stdout);
        let line = text.lines().find(|line| line.trim_start().starts_with("vf 0 "));
        let line = line.with_context(|| format!("{} does not report its VFs", self.pf))?;
        Ok(line.contains(&format!("vlan {VLAN}")))
    }
}

/// The VF's network interfaces in this namespace: sysfs shows no others.
fn netdevs() -> Result<Vec<String>> {
    let dir = Path::new("/sys/bus/pci/devices").join(VF).join("net");
    let Ok(listing) = fs::read_dir(&dir) else { return Ok(Vec::new()) };
    let names = listing.map(|entry| entry.map(|e| e.file_name().to_string_lossy().into_owned()));
    names.collect::<Result<_, _>>().with_context(|| format!("read {}", dir.display()))
}
