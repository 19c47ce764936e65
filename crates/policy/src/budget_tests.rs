use super::*;

fn annotated(pairs: &[(&str, &str)]) -> Result<Option<u64>, String> {
    let get = |key: &str| pairs.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
    let budget = Budget::from_annotations(get).map_err(|error| error.to_string())?;
    Ok(budget.map(Budget::us))
}

fn plain(text: &str) -> Result<Option<u64>, String> {
    annotated(&[("latency", text)])
}

fn with_unit(text: &str) -> Result<Option<u64>, String> {
    annotated(&[("fastpath.dev/latency", text)])
}

#[test]
fn a_pod_without_annotations_has_no_budget() {
    assert_eq!(annotated(&[("fastpath.dev/path", "vf")]), Ok(None));
}

#[test]
fn a_plain_budget_is_microseconds() {
    for us in (1..20_000).chain([u64::from(u32::MAX), GREATEST_US]) {
        assert_eq!(plain(&us.to_string()), Ok(Some(us)));
    }
}

#[test]
fn a_unit_is_us_or_ms() {
    for (text, us) in [("800us", 800), ("5ms", 5000), ("1us", 1), ("10001us", 10_001)] {
        assert_eq!(with_unit(text), Ok(Some(us)), "{text}");
    }
}

#[test]
fn nonsense_is_refused_with_what_would_work() {
    for text in [
        "",
        "0",
        "00",
        "05",
        "-1",
        "+5",
        "5e3",
        "fast",
        "5000us",
        "5 ms",
        " 5",
        "5\n",
        "0x10",
        "1.5",
        "1_000",
        "٥",
        "9223372036854775807",
        "18446744073709551616",
        "99999999999999999999999999",
    ] {
        let message = plain(text).unwrap_err();
        assert!(message.contains("latency") && message.contains("\"5000\""), "{message}");
        assert!(!message.contains('\n'), "{message}");
    }
    for text in [
        "", "us", "ms", "0us", "0ms", "5000", "5s", "-1ms", "+1ms", "1.5ms", "5MS", "5 ms",
        "5msus", "5µs",
    ] {
        let message = with_unit(text).unwrap_err();
        assert!(message.contains("\"800us\"") && message.contains("\"5ms\""), "{message}");
    }
    with_unit("9223372036854776ms").unwrap_err();
    with_unit("18446744073709551615ms").unwrap_err();
    assert!(plain(&"9".repeat(100_000)).unwrap_err().len() < 200);
}

#[test]
fn two_annotations_agree_or_are_refused() {
    let both = |plain, unit| annotated(&[("latency", plain), ("fastpath.dev/latency", unit)]);
    assert_eq!(both("5000", "5ms"), Ok(Some(5000)));
    let message = both("5000", "800us").unwrap_err();
    assert!(message.contains("5000 µs") && message.contains("800 µs"), "{message}");
    both("5000", "").unwrap_err();
    both("fast", "5ms").unwrap_err();
}

#[test]
fn every_boundary_is_of_one_path() {
    let path = |us| Bands::default().path(Budget(us)).map(Datapath::as_str).ok();
    for (us, served) in [
        (799, None),
        (800, Some("vf")),
        (801, Some("vf")),
        (4_999, Some("vf")),
        (5_000, Some("vf")),
        (5_001, Some("ovs-dpdk")),
        (9_999, Some("ovs-dpdk")),
        (10_000, Some("ovs-dpdk")),
        (10_001, Some("kernel")),
        (GREATEST_US, Some("kernel")),
    ] {
        assert_eq!(path(us), served, "{us}");
    }
    for us in 1..20_000 {
        let thesis = match us {
            ..800 => None,
            800..=5_000 => Some("vf"),
            5_001..=10_000 => Some("ovs-dpdk"),
            _ => Some("kernel"),
        };
        assert_eq!(path(us), thesis, "{us}");
    }
    let message = Bands::default().path(Budget(799)).unwrap_err().to_string();
    assert!(message.contains("799 µs") && message.contains("800 µs"), "{message}");
}
