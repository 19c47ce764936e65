use super::*;

const WHOLE: &str = "\
seed: 1
pods:
- name: late
  count: 50
  latency: \"5000\"
  cpus: 2
  arrivalSeconds: [100, 200]
  lifetimeSeconds: [10, 20]
- name: early
  count: 50
  asks: vf
  cpus: 4
  arrivalSeconds: [0, 150]
  lifetimeSeconds: [0, 0]
";

fn refused(text: &str) -> String {
    format!("{:#}", parse(text).err().unwrap())
}

#[test]
fn pods_are_in_the_order_of_their_coming() {
    let pods = parse(WHOLE).unwrap();
    assert_eq!(pods.len(), 100);
    assert!(pods.is_sorted_by_key(|pod| pod.arrives_ms));
    for pod in &pods {
        let late = pod.budget.is_some();
        let (arrival, life) =
            if late { (100_000..=200_000, 10_000..=20_000) } else { (0..=150_000, 0..=0) };
        assert!(arrival.contains(&pod.arrives_ms), "{}", pod.arrives_ms);
        assert!(life.contains(&(pod.ends_ms - pod.arrives_ms)), "{}", pod.ends_ms);
    }
    assert!(pods[..50].iter().any(|pod| pod.budget.is_some()));
}

#[test]
fn who_does_not_say_what_he_asks_for_knows_the_bands() {
    for (latency, asks) in [
        ("latency: \"300\"", Datapath::Vf),
        ("latency: \"800\"", Datapath::Vf),
        ("latency: \"5000\"", Datapath::Vf),
        ("latency: \"5001\"", Datapath::OvsDpdk),
        ("latency: \"10000\"", Datapath::OvsDpdk),
        ("latency: \"10001\"", Datapath::Kernel),
        ("asks: vf", Datapath::Vf),
        ("cpus: 1", Datapath::Kernel),
    ] {
        let cpus = if latency.starts_with("cpus") { "" } else { "  cpus: 1\n" };
        let text = format!(
            "seed: 1\npods:\n- name: a\n  count: 1\n  {latency}\n{cpus}  arrivalSeconds: [0, 0]\n  \
             lifetimeSeconds: [0, 0]\n"
        );
        assert_eq!(parse(&text).unwrap()[0].asks, asks, "{latency}");
    }
}

#[test]
fn what_cannot_be_is_told_with_its_place() {
    for (right, wrong, line, what) in [
        ("count: 50", "count: 0", 3, "count of \"late\""),
        ("\"5000\"", "\"5e3\"", 3, "latency of \"late\" is no budget: annotation latency is"),
        ("\"5000\"", "\"0\"", 3, "a whole number of microseconds"),
        ("asks: vf", "asks: ovn", 9, "vf, ovs-dpdk or kernel"),
        ("[100, 200]", "[200, 100]", 3, "arrivalSeconds of \"late\" is [200, 100]"),
        ("[10, 20]", "[10, 99999999999]", 3, "a year at most"),
        ("cpus: 4", "cpus: 9999999", 9, "1000000 at most"),
    ] {
        let message = refused(&WHOLE.replacen(right, wrong, 1));
        assert!(message.contains(&format!("line {line}: ")), "{message}");
        assert!(message.contains(what), "{message}");
    }
    let path = refused(&WHOLE.replace("asks: vf", "asks: fast"));
    assert!(path.contains("line 11") && path.contains("ovs-dpdk"), "{path}");
    assert!(refused("seed: 1\npods: []\n").contains("pods is empty"));
}

#[test]
fn the_larger_example_is_the_smaller_one_fifteen_times() {
    let count = |text: &str| {
        let pods = parse(text).unwrap();
        let fast = pods.iter().filter(|pod| matches!(Need::of(pod.budget), Need::Fast(_)));
        (pods.len(), fast.count())
    };
    let small = count(include_str!("../../../conf-examples/simulate/trace-1000.yaml"));
    let large = count(include_str!("../../../conf-examples/simulate/trace-15000.yaml"));
    assert_eq!(small, (15_000, 11_000));
    assert_eq!(large, (15 * small.0, 15 * small.1));
}
