//! What a container gets with its devices.

use std::fs;
use std::path::Path;

use deviceplugin::Refusal;
use deviceplugin::messages::{Allocated, CdiDevice, DeviceNode, Mount};
use hostnet::Host;
use npwg::devinfo::{self, DEFAULT_ROOT, DeviceInfo, Pci};
use vf::{PciAddr, Sysfs};

use super::cdi;
use super::environment::{self, Nodes};
use crate::config::{Driver, Kind, VfSpec};
use crate::pools::{Member, Pool, home};

const VFIO: &str = "/dev/vfio/vfio";
const VHOST_NET: [&str; 2] = ["/dev/vhost-net", "/dev/net/tun"];

/// Looks once more at the devices: what was healthy a moment ago may have changed.
pub(super) fn allocate(
    host: &Host,
    pool: &Pool,
    by_cdi: bool,
    ids: &[String],
) -> Result<Allocated, Refusal> {
    let mut allocated = Allocated::default();
    let mut nodes = Vec::new();
    for id in ids {
        let member = &pool.members[id];
        match (&pool.spec.kind, member.vf) {
            (Kind::Vfs(vfs), Some(vf)) => {
                let of_vf = vf_nodes(host, vfs, vf)?;
                if by_cdi {
                    allocated.cdi_devices.extend(cdi_device(pool, id, &of_vf)?);
                } else {
                    of_vf.paths().for_each(|path| add_node(&mut allocated, path));
                }
                remember(host, pool, id, member)?;
                nodes.push((id.as_str(), of_vf));
            }
            _ => allocated.mounts.push(slot(&host.run, id)),
        }
    }
    allocated.envs = environment::of(&pool.spec.resource, ids, &nodes);
    Ok(allocated)
}

/// The device nodes of a VF, by the driver that is bound now.
fn vf_nodes(host: &Host, vfs: &VfSpec, vf: PciAddr) -> Result<Nodes, Refusal> {
    let sysfs = Sysfs::new(&host.sys);
    let bound = sysfs.driver(vf).ok_or_else(|| Refusal(format!("VF {vf} has no driver")))?;
    if let Some(wanted) = vfs.driver.and_then(Driver::name)
        && wanted != bound
    {
        return Err(Refusal(format!("VF {vf} is bound to {bound}, and not to {wanted}")));
    }
    let mut nodes = match bound.as_str() {
        "vfio-pci" => Nodes { vfio: Some(vfio_group(&sysfs, vf)?), ..Nodes::default() },
        "uio_pci_generic" | "igb_uio" => Nodes { uio: Some(uio(host, vf)?), ..Nodes::default() },
        _ => Nodes::default(),
    };
    nodes.vhost = vfs.vhost_net.then(|| VHOST_NET.map(str::to_owned));
    Ok(nodes)
}

/// `/dev/vfio/vfio` and the node of the VF's group; without an IOMMU that one is called `noiommu-N`.
fn vfio_group(sysfs: &Sysfs, vf: PciAddr) -> Result<[String; 2], Refusal> {
    let group = sysfs.iommu_group(vf);
    let group = group.ok_or_else(|| Refusal(format!("VF {vf} is in no IOMMU group")))?;
    let names = [group.clone(), format!("noiommu-{group}")];
    let node = names.iter().map(|name| format!("/dev/vfio/{name}")).find(|n| Path::new(n).exists());
    let node = node.ok_or_else(|| Refusal(format!("there is no /dev/vfio/{group} for VF {vf}")))?;
    Ok([VFIO.to_owned(), node])
}

/// Documentation/driver-api/uio-howto.rst: the number is below the device's directory.
fn uio(host: &Host, vf: PciAddr) -> Result<String, Refusal> {
    let dir = host.sys.join("bus/pci/devices").join(vf.to_string()).join("uio");
    let entries = fs::read_dir(&dir).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let name = names.into_iter().find(|name| name.starts_with("uio"));
    Ok(format!("/dev/{}", name.ok_or_else(|| Refusal(format!("VF {vf} has no uio device")))?))
}

fn add_node(allocated: &mut Allocated, path: &str) {
    if allocated.devices.iter().any(|node| node.host_path == path) {
        return;
    }
    allocated.devices.push(DeviceNode {
        container_path: path.to_owned(),
        host_path: path.to_owned(),
        permissions: "rw".to_owned(),
    });
}

/// The name under which the runtime finds the nodes; none where there are no nodes.
fn cdi_device(pool: &Pool, id: &str, nodes: &Nodes) -> Result<Option<CdiDevice>, Refusal> {
    let paths: Vec<&str> = nodes.paths().collect();
    if paths.is_empty() {
        return Ok(None);
    }
    let described = cdi::describe(Path::new(cdi::DIR), &pool.spec.resource, id, &paths);
    described.map(Some).map_err(|error| Refusal(format!("describe {id} in {}: {error}", cdi::DIR)))
}

/// A slot's directory, at the same path as on the host: the switch and the application name the socket alike.
fn slot(run: &Path, id: &str) -> Mount {
    let path = home(run, id).join("pod").display().to_string();
    Mount { container_path: path.clone(), host_path: path, read_only: false }
}

/// For the plugins: the group that the container was given, and the device-info file of the device plugin
/// (device-info-spec 4).
fn remember(host: &Host, pool: &Pool, id: &str, member: &Member) -> Result<(), Refusal> {
    let vf = member.vf;
    let group = vf.and_then(|vf| Sysfs::new(&host.sys).iommu_group(vf));
    journal::write_allocation(&host.state, id, group.as_deref())
        .map_err(|error| Refusal(cni::chain(&error)))?;
    let info = DeviceInfo::new(devinfo::Device::Pci(Pci {
        pci_address: id.to_owned(),
        pf_pci_address: member.pf.map(|pf| pf.to_string()),
        ..Pci::default()
    }));
    let file = devinfo::dp_file(Path::new(DEFAULT_ROOT), &pool.spec.resource, id);
    let written = devinfo::write(&file, &info);
    written.map_err(|error| Refusal(cni::chain(&error)))
}
