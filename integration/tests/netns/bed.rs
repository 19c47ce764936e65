//! A host with one PF and two VFs that are veth devices.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use integration::run;
use serde_json::{Value, json};
use testkit::cni::Plugin;
use testkit::netns::private_mounts;
use testkit::witness::ip_json;

/// First VF; its netdev is `vf0`.
pub(crate) const VF0: &str = "0000:01:10.0";
/// Second VF; its netdev is `vf1`.
pub(crate) const VF1: &str = "0000:01:10.2";
const PF: &str = "0000:01:00.0";

/// Tests share the host's namespace, so they take turns.
static TURN: Mutex<bool> = Mutex::new(false);

/// The plugin on the made-up host; the guard keeps the host to one test.
pub(crate) fn sriov() -> (Plugin, MutexGuard<'static, bool>) {
    let mut made = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    if !*made {
        private_mounts(&["/var/lib", "/run", "/sys"]);
        for name in ["pf0", "vf0", "vf1"] {
            run(
                "ip",
                &["link", "add", name, "type", "veth", "peer", "name", &format!("{name}-peer")],
            );
        }
        sysfs(Path::new("/sys"));
        *made = true;
    }
    (Plugin::new("sriov").path(&integration::test_ipam()), made)
}

/// The part of sysfs that the plugin reads.
fn sysfs(sys: &Path) {
    let devices = sys.join("bus/pci/devices");
    let pf = devices.join(PF);
    fs::create_dir_all(pf.join("net/pf0")).unwrap();
    fs::write(pf.join("sriov_totalvfs"), "2\n").unwrap();
    fs::create_dir_all(sys.join("class/net/pf0")).unwrap();
    symlink(&pf, sys.join("class/net/pf0/device")).unwrap();
    let driver = sys.join("bus/pci/drivers/igbvf");
    fs::create_dir_all(&driver).unwrap();
    for (index, addr) in [VF0, VF1].into_iter().enumerate() {
        let vf = devices.join(addr);
        fs::create_dir_all(vf.join(format!("net/vf{index}"))).unwrap();
        symlink(&pf, vf.join("physfn")).unwrap();
        symlink(&driver, vf.join("driver")).unwrap();
        fs::write(vf.join("driver_override"), "(null)\n").unwrap();
        symlink(&vf, pf.join(format!("virtfn{index}"))).unwrap();
    }
}

/// A configuration for the first VF with an address of the suites' IPAM.
pub(crate) fn conf(keys: &Value) -> Value {
    let base = json!({"cniVersion": "1.1.0", "name": "net", "type": "sriov", "deviceID": VF0,
                      "mtu": 1400, "ipam": {"type": "testipam"}});
    integration::with(&base, keys)
}

/// The host's links, and what is left of attachments.
pub(crate) fn state() -> String {
    let veths = ip_json(None, &["link", "show", "type", "veth"]);
    let mut lines: Vec<String> = veths
        .as_array()
        .unwrap()
        .iter()
        .map(|l| format!("{} {} mtu {} {}\n", l["ifname"], l["address"], l["mtu"], l["flags"]))
        .collect();
    lines.sort();
    lines.concat() + &integration::leftovers()
}
