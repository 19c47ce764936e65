use policy::{Datapath, Figure, bucket};

use super::*;

const WHOLE: &str = "\
seed: 1
nodes:
- name: fast
  count: 200
  cpus: 64
  measuredPercent: 50
  vf: {count: 16, p99Us: [100, 800]}
  kernelP99Us: [200, 6000]
- name: plain
  count: 100
  cpus: 32
  pods: 250
  kernelP99Us: [200, 6000]
";

fn refused(text: &str) -> String {
    parse(text).err().unwrap().to_string()
}

#[test]
fn nodes_are_those_of_the_groups() {
    let machines = parse(WHOLE).unwrap();
    let (fast, plain): (Vec<_>, Vec<_>) =
        machines.iter().partition(|machine| machine.node.is_fast());
    assert_eq!((fast.len(), plain.len()), (200, 100));
    let whole = Room { cpus: 64, pods: 110, vf: 16, vhostuser: 0 };
    assert!(fast.iter().all(|machine| machine.whole == whole && machine.free == whole));
    assert_eq!(plain[0].whole, Room { cpus: 32, pods: 250, vf: 0, vhostuser: 0 });
    assert_eq!(plain[0].p99_us(Datapath::Vf), None);
}

#[test]
fn figures_are_of_the_range_and_some_are_not_published() {
    let machines = parse(WHOLE).unwrap();
    let mut published = 0;
    for machine in machines.iter().filter(|machine| machine.node.is_fast()) {
        let us = machine.p99_us(Datapath::Vf).unwrap();
        assert!((100.0..=800.0).contains(&us), "{us}");
        match machine.node.offer(Datapath::Vf).figure {
            Figure::None => {}
            figure => {
                assert_eq!(figure, Figure::P99(bucket(us)));
                published += 1;
            }
        }
    }
    assert!((60..140).contains(&published), "{published} of 200");
}

#[test]
fn the_groups_are_mixed_and_the_seed_decides_how() {
    let order = |text: &str| -> Vec<bool> {
        parse(text).unwrap().iter().map(|machine| machine.node.is_fast()).collect()
    };
    let first = order(WHOLE);
    assert!(first[..100].contains(&false) && first[200..].contains(&true));
    assert_eq!(first, order(WHOLE));
    assert_ne!(first, order(&WHOLE.replace("seed: 1", "seed: 2")));
}

#[test]
fn what_cannot_be_is_told_with_its_place() {
    for (right, wrong, line, what) in [
        ("count: 200", "count: 0", 3, "count of \"fast\" is 0: it must be from 1 to 1000000"),
        ("count: 100", "count: 999999", 9, "it must be from 1 to 999800"),
        ("cpus: 64", "cpus: 9999999", 3, "1000000 at most"),
        ("{count: 16,", "{count: 9999999,", 3, "vf.count"),
        ("Percent: 50", "Percent: 101", 3, "measuredPercent"),
        ("[100, 800]", "[800, 100]", 3, "vf.p99Us of \"fast\" is [800, 100]"),
        ("[100, 800]", "[0, 800]", 3, "from 1 up"),
        ("[100, 800]", "[.nan, 800]", 3, "from 1 up"),
        ("[100, 800]", "[100, 1e10]", 3, "an hour at most"),
    ] {
        let message = refused(&WHOLE.replacen(right, wrong, 1));
        assert!(message.contains(&format!("line {line}: ")), "{message}");
        assert!(message.contains(what), "{message}");
    }
    assert!(refused("seed: 1\nnodes: []\n").contains("nodes is empty"));
}

#[test]
fn what_is_no_cluster_is_told_in_one_line() {
    for text in ["", "nodes: 5", "seed: -1\nnodes: []", "seed: 1\nnodes:\n- nmae: a\n", "["] {
        let message = refused(text);
        assert!(!message.is_empty() && !message.contains('\n'), "{message}");
    }
    let typo = refused(&WHOLE.replace("cpus: 32", "cpu: 32"));
    assert!(typo.contains("line 11") && typo.contains("cpu"), "{typo}");
}
