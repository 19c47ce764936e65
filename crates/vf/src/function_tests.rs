//! A generated tree: what is on the bus, whatever drives it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::*;

fn device(sys: &Path, addr: &str, class: &str, files: &[(&str, &str)]) {
    let dir = sys.join("bus/pci/devices").join(addr);
    fs::create_dir_all(&dir).unwrap();
    for (file, text) in
        [("class", class), ("vendor", "0x8086\n"), ("device", "0x10c9\n")].iter().chain(files)
    {
        fs::write(dir.join(file), text).unwrap();
    }
}

#[test]
fn network_controllers_are_listed_with_their_vfs() {
    let sys = tempfile::tempdir().unwrap();
    let root = sys.path();
    let pf = [("sriov_totalvfs", "7\n"), ("sriov_numvfs", "1\n"), ("numa_node", "1\n")];
    device(root, "0000:01:00.0", "0x020000\n", &pf);
    device(root, "0000:01:10.0", "0x020000\n", &[("numa_node", "-1\n")]);
    device(root, "0000:02:00.0", "0x010802\n", &[]);
    let devices = root.join("bus/pci/devices");
    symlink("../0000:01:10.0", devices.join("0000:01:00.0/virtfn0")).unwrap();
    symlink("../0000:01:00.0", devices.join("0000:01:10.0/physfn")).unwrap();
    symlink("../../../../kernel/iommu_groups/12", devices.join("0000:01:10.0/iommu_group"))
        .unwrap();
    symlink("../../drivers/vfio-pci", devices.join("0000:01:10.0/driver")).unwrap();
    let net = devices.join("0000:01:00.0/net/eth0");
    fs::create_dir_all(&net).unwrap();
    fs::write(net.join("operstate"), "up\n").unwrap();
    fs::write(net.join("speed"), "10000\n").unwrap();

    let [pf, vf] = Sysfs::new(root).functions().unwrap().try_into().unwrap();
    assert_eq!((pf.vendor.as_str(), pf.device.as_str(), pf.numa), ("8086", "10c9", Some(1)));
    assert_eq!((pf.total_vfs, pf.vfs, pf.pf, pf.driver), (7, 1, None, None));
    let link = NetLink { name: "eth0".into(), state: "up".into(), speed_mbps: Some(10_000) };
    assert_eq!(pf.links, [link]);
    assert_eq!((vf.pf, vf.index, vf.numa), (Some(pf.addr), Some(0), None));
    assert_eq!((vf.driver.as_deref(), vf.iommu_group.as_deref()), (Some("vfio-pci"), Some("12")));
}
