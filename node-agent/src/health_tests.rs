//! Each way in which a device cannot be handed out.

use vf::{Function, NetLink};

use super::*;
use crate::config::{BridgeSpec, PoolSpec, Prefer};
use crate::inventory::{Bridge, Machine};

const VF: &str = "0000:01:10.0";

fn function(addr: &str, driver: Option<&str>, link: Option<(&str, &str)>) -> Function {
    let net_link = |(name, state): (&str, &str)| NetLink {
        name: name.to_owned(),
        state: state.to_owned(),
        speed_mbps: None,
    };
    Function {
        addr: addr.parse().unwrap(),
        vendor: "8086".into(),
        device: "10ca".into(),
        driver: driver.map(str::to_owned),
        iommu_group: None,
        numa: None,
        pf: (addr == VF).then(|| "0000:01:00.0".parse().unwrap()),
        index: None,
        total_vfs: 0,
        vfs: 0,
        links: Vec::from_iter(link.map(net_link)),
    }
}

fn inventory(functions: Vec<Function>, switch: Option<Switch>) -> Inventory {
    let machine = Machine {
        hostname: "node".into(),
        kernel: "6".into(),
        cpus: 1,
        isolated_cpus: String::new(),
        memory_bytes: 0,
        iommu: true,
        hugepages: Vec::new(),
    };
    Inventory { machine, functions, switch, no_switch: None }
}

fn judge_one(kind: Kind, inventory: &Inventory, claimed: bool) -> Result<(), String> {
    let vf = matches!(kind, Kind::Vfs(_)).then(|| VF.parse().unwrap());
    let spec = PoolSpec { resource: "fastpath.dev/a".into(), line: 1, kind };
    let pool = Pool { spec, members: [].into() };
    let claims = BTreeSet::from_iter(claimed.then(|| VF.to_owned()));
    judge(&pool, &Member { numa: None, vf, pf: None }, inventory, &claims)
}

fn vfs(driver: Option<Driver>) -> Kind {
    Kind::Vfs(VfSpec {
        selectors: Vec::new(),
        create: None,
        driver,
        vhost_net: false,
        prefer: Prefer::Packed,
        exclude_topology: false,
    })
}

#[test]
fn a_vf_is_judged_by_driver_link_and_namespace() {
    let up = || function("0000:01:00.0", Some("igb"), Some(("eth0", "up")));
    let down = || function("0000:01:00.0", Some("igb"), Some(("eth0", "down")));
    let vf = |driver, link| function(VF, driver, link);
    let (vfio, kernel) = (Some(Driver::VfioPci), Some(Driver::Kernel));
    for (pool, pf, vf, reason) in [
        (vfio, up(), vf(Some("vfio-pci"), None), None),
        (vfio, up(), vf(Some("igbvf"), None), Some("igbvf is bound, and not vfio-pci")),
        (vfio, up(), vf(None, None), Some("no driver")),
        (vfio, down(), vf(Some("vfio-pci"), None), Some("link of eth0 is down")),
        (kernel, up(), vf(Some("igbvf"), Some(("eth0v0", "down"))), None),
        (kernel, up(), vf(Some("igbvf"), None), Some("another network namespace")),
        (kernel, up(), vf(Some("vfio-pci"), None), Some("not one of the kernel")),
        (None, up(), vf(Some("vfio-pci"), None), None),
    ] {
        let inventory = inventory(vec![pf, vf], None);
        let judged = judge_one(vfs(pool), &inventory, false);
        match reason {
            None => assert_eq!(judged, Ok(())),
            Some(words) => assert!(judged.as_ref().unwrap_err().contains(words), "{judged:?}"),
        }
        // What a pod has is judged by its record.
        assert_eq!(judge_one(vfs(pool), &inventory, true), Ok(()));
    }
    let gone = judge_one(vfs(None), &inventory(vec![up()], None), true);
    assert_eq!(gone.unwrap_err(), "the VF is gone");
}

#[test]
fn a_slot_is_judged_by_the_switch() {
    let slots = || {
        let bridge = BridgeSpec { name: "br0".into(), create: false, uplinks: Vec::new() };
        Kind::Slots(SlotSpec { count: 1, bridge, numa: None })
    };
    let switch = |dpdk: bool, bridges: &[(&str, &str)]| Switch {
        version: None,
        dpdk_version: None,
        dpdk_initialized: dpdk,
        pmd_cpu_mask: None,
        bridges: bridges
            .iter()
            .map(|(name, datapath_type)| Bridge {
                name: (*name).to_owned(),
                datapath_type: (*datapath_type).to_owned(),
                ports: 0,
            })
            .collect(),
        chassis: None,
    };
    for (switch, words) in [
        (None, "does not answer"),
        (Some(switch(false, &[("br0", "netdev")])), "without DPDK"),
        (Some(switch(true, &[("br1", "netdev")])), "no bridge br0"),
        (Some(switch(true, &[("br0", "system")])), "not netdev"),
    ] {
        let why = judge_one(slots(), &inventory(Vec::new(), switch), false).unwrap_err();
        assert!(why.contains(words), "{why}");
    }
    let good = inventory(Vec::new(), Some(switch(true, &[("br0", "netdev")])));
    assert_eq!(judge_one(slots(), &good, false), Ok(()));
}
