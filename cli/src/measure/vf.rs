//! `vf` and `vf-pod`: through VFs that the sriov plugin takes, so never one that a pod or a pool has.

use std::fs;
use std::path::PathBuf;

use frames::Mac;
use hostnet::Netns;
use serde_json::json;

use super::attachments::{Attached, Attachments, mac_of};
use super::path::{Ends, Missing, Path, PathName};
use super::pod::{Program, Words};

/// Of the pod's VFs: a DPDK driver makes one up where the PF gives none, and nobody would know it.
const POD_MACS: [&str; 2] = ["02:66:70:6d:00:04", "02:66:70:6d:00:05"];

/// The PFs of the two ends: those that are named, or the first that has VFs.
fn pfs(named: &[String]) -> Result<[String; 2], Missing> {
    let first = match named {
        [near, far, ..] => return Ok([near.clone(), far.clone()]),
        [only] => Some(only.clone()),
        [] => first_with_vfs(),
    };
    let pf = first.ok_or_else(|| {
        Missing(
            "this node has no VF; make some: echo 4 > /sys/class/net/PF/device/sriov_numvfs"
                .to_owned(),
        )
    })?;
    Ok([pf.clone(), pf])
}

fn first_with_vfs() -> Option<String> {
    let netdevs = fs::read_dir("/sys/class/net").ok()?;
    let mut with_vfs: Vec<String> = netdevs
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| {
            let file = format!("/sys/class/net/{name}/device/sriov_numvfs");
            fs::read_to_string(file).is_ok_and(|count| count.trim() != "0")
        })
        .collect();
    with_vfs.sort();
    with_vfs.into_iter().next()
}

/// A VF as the interface of an end.
fn take(pf: &str, plugins: &[PathBuf], ifname: &'static str) -> Result<Attached, Missing> {
    let conf = json!({"type": "sriov", "if0": pf, "l2enable": true});
    Attached::attach(plugins, None, ifname, conf)
}

/// The driver of a PF, for the report; and its NUMA node.
fn device(pf: &str) -> (String, Option<u32>) {
    let dir = PathBuf::from(format!("/sys/class/net/{pf}/device"));
    let driver = fs::read_link(dir.join("driver")).ok();
    let driver = driver.and_then(|link| Some(link.file_name()?.to_str()?.to_owned()));
    let numa = fs::read_to_string(dir.join("numa_node")).ok();
    (driver.unwrap_or_else(|| "unknown".to_owned()), numa.and_then(|text| text.trim().parse().ok()))
}

/// From one VF to another.
pub(super) fn direct(named: &[String], plugins: &[PathBuf]) -> Result<Path, Missing> {
    let [near, far] = pfs(named)?;
    let (from, to) = (take(&near, plugins, "vf0")?, take(&far, plugins, "vf1")?);
    let (driver, numa) = device(&near);
    Ok(Path {
        name: PathName::Vf,
        driver,
        numa,
        ends: from.ends_with(&to)?,
        program: None,
        _keep: vec![Box::new(from), Box::new(to)],
    })
}

/// From a VF to a pod's, and from its other one back to a second VF. The card switches by MAC, so the
/// program gives each frame that of the end that it goes to.
pub(super) fn pod(named: &[String], plugins: &[PathBuf], command: &str) -> Result<Path, Missing> {
    let [near, far] = pfs(named)?;
    let (from, to) = (take(&near, plugins, "vf2")?, take(&near, plugins, "vf3")?);
    let netns = Netns::fresh()?;
    let mut attachments = Attachments::new(plugins, &netns);
    let mut ports = Vec::new();
    for (ifname, mac) in ["vf4", "vf5"].into_iter().zip(POD_MACS) {
        let dpdk = json!({"dpdk_driver": "vfio-pci"});
        let keys = json!({"type": "sriov", "if0": far, "l2enable": true, "mac": mac, "dpdk": dpdk});
        let result = attachments.add(ifname, keys)?;
        let pci = result.interfaces.first().and_then(|interface| interface.pci_id.clone());
        let pci = pci.ok_or_else(|| Missing("sriov returned no pciID".to_owned()))?;
        ports.push((pci, mac_of(&result)?));
    }
    // DPDK numbers its ports by their addresses.
    ports.sort_by(|(one, _), (other, _)| one.cmp(other));
    let eal: Vec<String> =
        ports.iter().flat_map(|(pci, _)| ["-a".to_owned(), pci.clone()]).collect();
    let forward = ["--forward-mode=mac".to_owned(), peer(0, from.mac), peer(1, to.mac)];
    let program = Program::start(&netns, command, &Words { eal: &eal, forward: &forward })?;
    let (driver, numa) = device(&far);
    Ok(Path {
        name: PathName::VfPod,
        driver: format!("{driver}, {}", program.name()),
        numa,
        ends: Ends { sender: from.open()?, receiver: to.open()?, to: ports[0].1, back: ports[1].1 },
        program: Some(program),
        _keep: vec![Box::new(from), Box::new(to), Box::new(attachments), Box::new(netns)],
    })
}

fn peer(port: u8, mac: Mac) -> String {
    format!("--eth-peer={port},{}", hostnet::Mac(mac.0))
}
