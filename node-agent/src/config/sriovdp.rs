//! `config.json` of the SR-IOV network device plugin, for nodes that move from it.
//!
//! Its pools keep their names, so that networks and pods need no change. What it offers beside VFs
//! (whole PFs, accelerators, RDMA, vDPA) is not offered here, and refused by its name.

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Map, Value};
use vf::PciAddr;

use super::pool::{Kind, PoolSpec, Prefer, VfSpec};
use super::select::Selector;

/// What it takes for a pool that names none.
const PREFIX: &str = "intel.com";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    resource_list: Vec<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Pool {
    resource_name: String,
    #[serde(default = "prefix")]
    resource_prefix: String,
    #[serde(default)]
    device_type: Option<String>,
    #[serde(default)]
    exclude_topology: bool,
    #[serde(default)]
    selectors: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Selectors {
    #[serde(default)]
    vendors: Vec<String>,
    #[serde(default)]
    devices: Vec<String>,
    #[serde(default)]
    drivers: Vec<String>,
    #[serde(default)]
    pci_addresses: Vec<PciAddr>,
    #[serde(default)]
    pf_names: Vec<String>,
    #[serde(default)]
    root_devices: Vec<String>,
    #[serde(default)]
    link_types: Vec<String>,
    #[serde(default)]
    is_rdma: bool,
    #[serde(default)]
    need_vhost_net: bool,
}

fn prefix() -> String {
    PREFIX.to_owned()
}

/// The pools of a file.
pub(super) fn pools(json: &[u8]) -> Result<Vec<PoolSpec>> {
    let File { resource_list } = serde_json::from_slice(json)?;
    resource_list.into_iter().map(pool).collect()
}

fn pool(written: Map<String, Value>) -> Result<PoolSpec> {
    let name = written.get("resourceName").cloned().unwrap_or_default();
    let context = || format!("pool {name}");
    let pool: Pool = serde_json::from_value(Value::Object(written)).with_context(context)?;
    if let Some(other) = pool.device_type.filter(|kind| kind != "netDevice") {
        bail!("pool {name}: deviceType {other} is not offered, only netDevice");
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    ensure!(pool.resource_name.chars().all(plain), "{name} is not the name of a resource");
    let written: Vec<Selectors> = match pool.selectors {
        Value::Array(_) => serde_json::from_value(pool.selectors),
        one => serde_json::from_value(one).map(|one| vec![one]),
    }
    .with_context(context)?;
    let vhost_net = written.iter().any(|one| one.need_vhost_net);
    let selectors =
        written.into_iter().map(selector).collect::<Result<_>>().with_context(context)?;
    let vfs = VfSpec {
        selectors,
        create: None,
        driver: None,
        vhost_net,
        prefer: Prefer::Packed,
        exclude_topology: pool.exclude_topology,
    };
    let resource = format!("{}/{}", pool.resource_prefix, pool.resource_name);
    Ok(PoolSpec { resource, line: 0, kind: Kind::Vfs(vfs) })
}

fn selector(written: Selectors) -> Result<Selector> {
    ensure!(!written.is_rdma, "isRdma is not offered");
    let ether = written.link_types.iter().all(|kind| kind == "ether");
    ensure!(ether, "linkTypes {:?} are not offered, only ether", written.link_types);
    let both = !written.pf_names.is_empty() && !written.root_devices.is_empty();
    ensure!(!both, "pfNames and rootDevices name the same: keep one of them");
    let pfs = written.pf_names.iter().chain(&written.root_devices);
    let selector = Selector {
        pfs: pfs.map(|pf| pf.parse()).collect::<Result<_>>()?,
        vendors: written.vendors,
        devices: written.devices,
        drivers: written.drivers,
        addresses: written.pci_addresses,
        numa: None,
    };
    ensure!(!selector.is_empty(), "selectors are empty");
    Ok(selector)
}
