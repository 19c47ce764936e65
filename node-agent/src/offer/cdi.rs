//! Device nodes by the Container Device Interface, for runtimes that have it: a file describes each device, and
//! kubelet passes its name on.
//!
//! kubelet: from 1.29 on (1.28 behind the gate `DevicePluginCDIDevices`); containerd: 1.7 with `enable_cdi`,
//! 2.0 by itself; CRI-O: 1.23. An older kubelet ignores the names, and containers lack their nodes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use deviceplugin::messages::CdiDevice;
use serde_json::json;

/// Of the specification: the first with what is used here, device nodes by path.
const VERSION: &str = "0.5.0";
/// Where runtimes look for what goes with a reboot.
pub(super) const DIR: &str = "/var/run/cdi";

/// Describes a device with these nodes and returns its name.
///
/// # Errors
/// The file cannot be written.
pub(super) fn describe(
    dir: &Path,
    resource: &str,
    id: &str,
    nodes: &[&str],
) -> io::Result<CdiDevice> {
    let nodes: Vec<_> =
        nodes.iter().map(|path| json!({"path": path, "permissions": "rw"})).collect();
    let edits = json!({"deviceNodes": nodes});
    let spec = json!({
        "cdiVersion": VERSION,
        "kind": resource,
        "devices": [{"name": id, "containerEdits": edits}],
    });
    fs::create_dir_all(dir)?;
    let file = file(dir, resource, id);
    // Not `.json`: a runtime that looks meanwhile leaves it alone.
    let half = file.with_extension("new");
    fs::write(&half, spec.to_string())?;
    fs::rename(&half, &file)?;
    Ok(CdiDevice { name: format!("{resource}={id}") })
}

fn file(dir: &Path, resource: &str, id: &str) -> PathBuf {
    dir.join(format!("{}-{id}.json", resource.replace('/', "-")))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_device_is_described_under_the_name_that_kubelet_gets() {
        let dir = tempfile::tempdir().unwrap();
        let cdi = dir.path().join("cdi");
        let nodes = ["/dev/vfio/vfio", "/dev/vfio/7"];
        let device = describe(&cdi, "fastpath.dev/vf", "0000:01:10.0", &nodes).unwrap();
        assert_eq!(device.name, "fastpath.dev/vf=0000:01:10.0");
        let spec = fs::read(cdi.join("fastpath.dev-vf-0000:01:10.0.json")).unwrap();
        let spec: Value = serde_json::from_slice(&spec).unwrap();
        assert_eq!(
            (&spec["kind"], &spec["cdiVersion"]),
            (&json!("fastpath.dev/vf"), &json!("0.5.0"))
        );
        let node = &spec["devices"][0]["containerEdits"]["deviceNodes"][1];
        assert_eq!(*node, json!({"path": "/dev/vfio/7", "permissions": "rw"}));
        assert_eq!(fs::read_dir(cdi).unwrap().count(), 1);
    }
}
