use super::*;
use crate::simulate::algorithm::{Blind, Ours, Thesis};
use crate::simulate::tally::Tally;
use crate::simulate::{cluster, trace};

/// A cluster that is full soon.
fn tight_cluster(seed: u64) -> Vec<Machine> {
    cluster::parse(&format!(
        "seed: {seed}
nodes:
- {{name: vf, count: 3, cpus: 9, pods: 6, vf: {{count: 2, p99Us: [100, 6000]}}, kernelP99Us: [90, 9000]}}
- {{name: ovs, count: 3, cpus: 9, pods: 6, vhostuser: {{count: 2, p99Us: [100, 12000]}}, kernelP99Us: [90, 9000]}}
- {{name: plain, count: 2, cpus: 9, pods: 3, kernelP99Us: [90, 9000]}}
"
    ))
    .unwrap()
}

fn busy_trace(seed: u64) -> Vec<Pod> {
    let times = "arrivalSeconds: [0, 100], lifetimeSeconds: [0, 40]";
    trace::parse(&format!(
        "seed: {seed}
pods:
- {{name: a, count: 60, latency: \"2000\", cpus: 2, {times}}}
- {{name: b, count: 60, latency: \"8000\", cpus: 1, {times}}}
- {{name: c, count: 60, latency: \"20000\", asks: vf, cpus: 2, {times}}}
- {{name: d, count: 60, cpus: 3, {times}}}
"
    ))
    .unwrap()
}

/// A pod that was placed.
struct Placed {
    from: u64,
    to: u64,
    /// Tells its node from all others: no two drew the same.
    kernel_us: f64,
    node_has: Room,
    took: [u64; 4],
}

fn placements(algorithm: &dyn Algorithm, machines: Vec<Machine>, pods: &[Pod]) -> Vec<Placed> {
    let mut all = Vec::new();
    run(algorithm, machines, pods, |pod, fate| {
        if let Fate::Placed { path, on } = fate {
            let device = |of| u64::from(*path == of);
            let took = [pod.cpus, 1, device(Datapath::Vf), device(Datapath::OvsDpdk)];
            all.push(Placed {
                from: pod.arrives_ms,
                to: pod.ends_ms,
                kernel_us: on.p99_us(Datapath::Kernel).unwrap(),
                node_has: on.whole,
                took,
            });
        }
    });
    all
}

/// Each kind of room is counted anew at each pod's coming, from nothing but who was placed where.
#[test]
fn no_node_holds_more_than_it_has() {
    let ours = Ours::default();
    let mut full = 0;
    for seed in 0..40 {
        for algorithm in [&ours as &dyn Algorithm, &Thesis, &Blind] {
            let all = placements(algorithm, tight_cluster(seed), &busy_trace(seed));
            for (nth, new) in all.iter().enumerate() {
                let Room { cpus, pods, vf, vhostuser } = new.node_has;
                let same_node = |old: &&Placed| old.kernel_us.to_bits() == new.kernel_us.to_bits();
                let beside = all[..=nth].iter().filter(same_node);
                let there: Vec<_> =
                    beside.filter(|old| old.to > new.from || std::ptr::eq(*old, new)).collect();
                for (kind, has) in [cpus, pods, vf, vhostuser].into_iter().enumerate() {
                    let taken: u64 = there.iter().map(|pod| pod.took[kind]).sum();
                    assert!(taken <= has, "{} {seed}: {taken} of {has}", algorithm.name());
                    full += u64::from(taken == has && has > 0);
                }
            }
        }
    }
    assert!(full > 1000, "the clusters were never full: {full}");
}

/// One VF, and pods that come one after the other: each gets it.
#[test]
fn a_pod_that_ends_gives_its_device_back() {
    let machines = cluster::parse(
        "{seed: 1, nodes: [{name: a, count: 1, cpus: 2, vf: {count: 1, p99Us: [90, 90]}, \
         kernelP99Us: [90, 90]}]}",
    )
    .unwrap();
    let mut pods = trace::parse(
        "{seed: 1, pods: [{name: a, count: 9, latency: \"900\", cpus: 1, arrivalSeconds: [0, 0], \
         lifetimeSeconds: [0, 0]}]}",
    )
    .unwrap();
    for (pod, nth) in pods.iter_mut().zip(0..) {
        (pod.arrives_ms, pod.ends_ms) = (nth * 10, nth * 10 + 10);
    }
    let ours = Ours::default();
    for algorithm in [&ours as &dyn Algorithm, &Thesis, &Blind] {
        let placed = |pods: &[Pod]| placements(algorithm, machines.clone(), pods).len();
        assert_eq!(placed(&pods), 9, "{}", algorithm.name());
    }
    for pod in &mut pods {
        pod.ends_ms += 1;
    }
    assert_eq!(placements(&Ours::default(), machines, &pods).len(), 5);
}

#[test]
fn a_simulation_comes_out_the_same_each_time() {
    let tally = |seed| {
        let mut tally = Tally::default();
        let tell = |pod: &Pod, fate: &Fate<'_>| tally.add(pod, fate);
        run(&Thesis, tight_cluster(seed), &busy_trace(seed), tell);
        tally
    };
    assert_eq!(tally(1), tally(1));
    assert_ne!(tally(1), tally(2));
}

#[test]
fn what_became_of_pods_is_told_apart() {
    let pods = busy_trace(1);
    for algorithm in [&Ours::default() as &dyn Algorithm, &Blind] {
        let mut tally = Tally::default();
        run(algorithm, tight_cluster(1), &pods, |pod, fate| tally.add(pod, fate));
        let kinds = [tally.fast, tally.slow, tally.impossible];
        let [pods, placed] =
            [kinds.map(|kind| kind.pods), kinds.map(|kind| kind.placed)].map(|of| of.iter().sum());
        assert_eq!((pods, placed), (240, 240 - tally.refused - tally.unschedulable));
        // Only who does not see a budget gives a VF to a slow pod, and a slow VF to a quick one.
        let blind = algorithm.name() == Blind.name();
        assert_eq!(tally.wasted_vfs > 0, blind, "{tally:?}");
        assert_eq!(tally.fast.kept < tally.fast.placed, blind, "{tally:?}");
    }
}
