//! A machine that is made up: four PFs with 32 VFs each, 110 of them attached.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;

pub(crate) const PFS: usize = 4;
pub(crate) const VFS: usize = 32;
pub(crate) const RECORDS: usize = 110;

/// Name of the VF by its number on the machine.
fn vf(number: usize) -> String {
    let (pf, index) = (number / VFS, number % VFS);
    format!("0000:{:02x}:{:02x}.{}", pf + 1, 0x10 + index / 8, index % 8)
}

/// What sysfs would show of it.
pub(crate) fn sysfs(root: &Path) -> Result<()> {
    for pf in 0..PFS {
        let addr = format!("0000:{:02x}:00.0", pf + 1);
        let numbers = [("sriov_totalvfs", VFS.to_string()), ("sriov_numvfs", VFS.to_string())];
        device(root, &addr, pf, "ice", &numbers)?;
        let net = root.join(format!("bus/pci/devices/{addr}/net/eth{pf}"));
        fs::create_dir_all(&net)?;
        fs::write(net.join("operstate"), "up\n")?;
        fs::write(net.join("speed"), "100000\n")?;
        for index in 0..VFS {
            let number = pf * VFS + index;
            device(root, &vf(number), pf, "vfio-pci", &[])?;
            let dir = root.join("bus/pci/devices");
            symlink(format!("../{}", vf(number)), dir.join(&addr).join(format!("virtfn{index}")))?;
            symlink(format!("../{addr}"), dir.join(vf(number)).join("physfn"))?;
            let group = root.join(format!("kernel/iommu_groups/{number}"));
            fs::create_dir_all(group.join("devices"))?;
            symlink(group, dir.join(vf(number)).join("iommu_group"))?;
        }
    }
    Ok(())
}

fn device(root: &Path, addr: &str, pf: usize, driver: &str, more: &[(&str, String)]) -> Result<()> {
    let dir = root.join("bus/pci/devices").join(addr);
    fs::create_dir_all(&dir)?;
    let numa = (pf % 2).to_string();
    let files =
        [("class", "0x020000"), ("vendor", "0x8086"), ("device", "0x1889"), ("numa_node", &numa)];
    for (file, text) in files {
        fs::write(dir.join(file), format!("{text}\n"))?;
    }
    for (file, text) in more {
        fs::write(dir.join(file), text)?;
    }
    let drivers = root.join("bus/pci/drivers").join(driver);
    fs::create_dir_all(&drivers)?;
    symlink(drivers, dir.join("driver"))?;
    Ok(())
}

/// Records of the sriov plugin, all of a namespace that is there.
pub(crate) fn records(state: &Path, netns: &Path) -> Result<()> {
    let dir = state.join("sriov");
    fs::create_dir_all(&dir)?;
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    let meta = fs::metadata(netns).with_context(|| format!("look at {}", netns.display()))?;
    for number in 0..RECORDS {
        let (addr, container) = (vf(number), format!("{number:064x}"));
        let conf = json!({"cniVersion": "1.1.0", "name": "net", "type": "sriov", "deviceID": addr});
        let record = json!({
            "version": 1,
            "boot_id": boot.trim(),
            "network": "net",
            "container_id": container,
            "ifname": "net1",
            "complete": true,
            "conf": conf.to_string(),
            "detail": {"vf": addr, "netns": {"path": netns, "dev": meta.dev(), "ino": meta.ino()}},
        });
        fs::write(dir.join(format!("{addr}@{container}:net1.json")), record.to_string())?;
    }
    Ok(())
}
