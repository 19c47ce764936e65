//! Made-up machines.

use super::*;

fn pf(addr: &str, name: &str) -> Function {
    Function {
        addr: addr.parse().unwrap(),
        vendor: "8086".into(),
        device: "10c9".into(),
        driver: Some("igb".into()),
        iommu_group: None,
        numa: Some(0),
        pf: None,
        index: None,
        total_vfs: 7,
        vfs: 2,
        links: vec![vf::NetLink { name: name.into(), state: "up".into(), speed_mbps: None }],
    }
}

fn vf(pf: &Function, index: u8) -> Function {
    let addr = pf.addr.to_string().replace(":00.0", &format!(":10.{index}"));
    let (addr, pf_addr) = (addr.parse().unwrap(), Some(pf.addr));
    Function { addr, pf: pf_addr, index: Some(index.into()), total_vfs: 0, vfs: 0, ..pf.clone() }
}

fn pools(text: &str) -> (Vec<Pool>, bool) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("agent.yaml");
    std::fs::write(&file, text).unwrap();
    let config = Config::read(&file).unwrap();
    (Pool::all(&config), config.first_wins)
}

fn ids(pool: &Pool) -> Vec<&str> {
    pool.members.keys().map(String::as_str).collect()
}

#[test]
fn a_pool_has_what_it_selects_and_slots_by_number() {
    let pf = pf("0000:01:00.0", "eth0");
    let functions = [pf.clone(), vf(&pf, 0), vf(&pf, 1)];
    let (mut all, first) = pools(
        "pools:
- {name: one, vfs: {pfs: ['eth0#1']}}
- {name: other, vfs: {pfs: ['0000:01:00.0#0'], numa: 0}}
- {name: none, vfs: {pfs: [eth9]}}
- {name: slot, slots: {count: 2, bridge: {name: br0}}}
",
    );
    fill(&mut all, &functions, first).unwrap();
    assert_eq!(ids(&all[0]), ["0000:01:10.1"]);
    assert_eq!(ids(&all[1]), ["0000:01:10.0"]);
    assert!(all[2].members.is_empty());
    assert_eq!(ids(&all[3]), ["slot-0", "slot-1"]);
}

#[test]
fn a_member_stays_whatever_drives_it_and_a_new_vf_joins() {
    let pf = pf("0000:01:00.0", "eth0");
    let (mut all, first) = pools("pools: [{name: a, vfs: {pfs: [eth0], drivers: [igb]}}]");
    let mut vfs = [pf.clone(), vf(&pf, 0), vf(&pf, 1)];
    vfs[2].driver = None;
    fill(&mut all, &vfs, first).unwrap();
    assert_eq!(ids(&all[0]), ["0000:01:10.0"]);
    (vfs[1].driver, vfs[2].driver) = (None, Some("igb".into()));
    fill(&mut all, &vfs, first).unwrap();
    assert_eq!(ids(&all[0]), ["0000:01:10.0", "0000:01:10.1"]);
}

#[test]
fn a_vf_that_two_pools_select_is_a_mistake() {
    let pf = pf("0000:01:00.0", "eth0");
    let functions = [pf.clone(), vf(&pf, 0)];
    let (mut all, first) =
        pools("pools:\n- {name: a, vfs: {vendors: ['8086']}}\n- {name: b, vfs: {pfs: [eth0]}}\n");
    let error = fill(&mut all, &functions, first).unwrap_err().to_string();
    assert!(error.contains("0000:01:10.0") && error.contains("line 2 and line 3"), "{error}");
    let mut all: Vec<Pool> =
        all.into_iter().map(|pool| Pool { members: BTreeMap::new(), ..pool }).collect();
    fill(&mut all, &functions, true).unwrap();
    assert_eq!((all[0].members.len(), all[1].members.len()), (1, 0));
}
