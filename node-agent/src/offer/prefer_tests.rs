//! Machines that are made up: nobody here has two NUMA nodes.

use super::*;

/// `NUMA`, PF number and how many VFs it has.
fn members(pfs: &[(u32, u8, u8)]) -> BTreeMap<String, Member> {
    let vf = |numa: u32, pf: u8, n: u8| {
        let addr = |device: u8| format!("0000:{pf:02x}:{device:02x}.0").parse().unwrap();
        let id = format!("{pf}/{n}");
        (id, Member { numa: Some(numa), vf: Some(addr(n + 1)), pf: Some(addr(0)) })
    };
    pfs.iter().flat_map(|&(numa, pf, count)| (0..count).map(move |n| vf(numa, pf, n))).collect()
}

fn choose(pfs: &[(u32, u8, u8)], how: Prefer, must: &[&str], size: i32) -> Vec<String> {
    let members = members(pfs);
    let choice = Choice {
        available: members.keys().cloned().collect(),
        must_include: must.iter().map(ToString::to_string).collect(),
        size,
    };
    prefer(&members, how, choice)
}

#[test]
fn devices_are_of_one_numa_node() {
    let machine = [(0, 1, 1), (1, 2, 3)];
    assert_eq!(choose(&machine, Prefer::Packed, &[], 2), ["2/0", "2/1"]);
    assert_eq!(choose(&machine, Prefer::Packed, &[], 1), ["1/0"], "the larger one stays whole");
    assert_eq!(choose(&machine, Prefer::Packed, &["2/2"], 2), ["2/2", "2/0"]);
    assert_eq!(choose(&machine, Prefer::Packed, &[], 4), ["2/0", "2/1", "2/2", "1/0"]);
}

#[test]
fn packed_takes_few_pfs_and_spread_many() {
    let machine = [(0, 1, 2), (0, 2, 4), (0, 3, 3)];
    assert_eq!(choose(&machine, Prefer::Packed, &[], 3), ["3/0", "3/1", "3/2"]);
    assert_eq!(choose(&machine, Prefer::Spread, &[], 4), ["2/0", "3/0", "1/0", "2/1"]);
}

#[test]
fn more_than_there_are_is_all_of_them() {
    assert_eq!(choose(&[(0, 1, 2)], Prefer::Spread, &[], 9), ["1/0", "1/1"]);
    assert_eq!(choose(&[], Prefer::Packed, &["x"], 2), ["x"]);
    assert_eq!(choose(&[(0, 1, 2)], Prefer::Packed, &["1/1"], -1), ["1/1"]);
}
