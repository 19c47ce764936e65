//! What is understood, and what is refused with its line.

use super::*;

fn parse(text: &str) -> Result<Config, String> {
    let parsed =
        Config::parse(text, Path::new("agent.yaml")).map_err(|error| format!("{error:#}"))?;
    parsed.0.check_names().map_err(|error| error.to_string())?;
    Ok(parsed.0)
}

#[test]
fn a_whole_file_is_understood() {
    let config = parse(
        "ovsdb: unix:/run/db.sock
pools:
- name: vf
  vfs: {pfs: ['eth0#0-3,6', 0000:02:00.0], vendors: ['8086'], devices: ['0x10CA'], numa: 1, create: 7,
        driver: vfio-pci, vhostNet: true, prefer: spread}
- name: vf-kernel
  vfs: {pfs: ['eth0#4-5'], driver: kernel}
- name: vhostuser
  slots: {count: 16, bridge: {name: fast0, create: true, uplinks: [0000:03:00.0]}, numa: 0}
",
    )
    .unwrap();
    let [vf, kernel, slots] = &config.pools[..] else { panic!("{config:?}") };
    let Kind::Vfs(vfs) = &vf.kind else { panic!("{vf:?}") };
    assert_eq!((vf.resource.as_str(), vf.name(), vf.line), ("fastpath.dev/vf", "vf", 3));
    assert_eq!(
        (vfs.create, vfs.driver, vfs.prefer),
        (Some(7), Some(Driver::VfioPci), Prefer::Spread)
    );
    assert_eq!(vfs.selectors[0].devices, ["10ca"]);
    assert_eq!(kernel.line, 6);
    let Kind::Slots(slots) = &slots.kind else { panic!("{slots:?}") };
    assert_eq!((slots.count, slots.bridge.create, slots.bridge.uplinks.len()), (16, true, 1));
}

#[test]
fn what_is_wrong_is_refused_with_its_line() {
    let vf = |keys: &str| format!("pools:\n\n- name: vf\n  vfs: {{{keys}}}\n");
    for (text, words) in [
        ("pols: []\n".to_owned(), &["pols", "line 1"][..]),
        (vf("pfs: [eth0], colour: red"), &["colour", "line 4"]),
        (vf("pfs: [eth0], driver: e1000"), &["e1000", "line 4"]),
        (vf("pfs: ['eth0#3-1']"), &["line 3", "eth0#3-1", "no range"]),
        (vf(""), &["line 3", "selects nothing"]),
        (vf("vendors: ['8086'], create: 4"), &["line 3", "create"]),
        (vf("pfs: ['eth0#0-7'], create: 4"), &["line 3", "0 to 3"]),
        (vf("pfs: [eth0], create: 0"), &["line 3", "leave it out"]),
        (vf("addresses: [0000:01]"), &["line 4", "0000:01"]),
        ("pools: [{name: a}]".to_owned(), &["line 1", "either vfs or slots"]),
        (
            "pools: [{name: -a, slots: {count: 1, bridge: {name: b}}}]".to_owned(),
            &["begin and end"],
        ),
        (
            "pools: [{name: a/b, slots: {count: 1, bridge: {name: b}}}]".to_owned(),
            &["other characters"],
        ),
        (
            "pools: [{name: a, slots: {count: 0, bridge: {name: b}}}]".to_owned(),
            &["from 1 to 1000"],
        ),
        ("pools: [{name: a, slots: {count: 1, bridge: {name: ../b}}}]".to_owned(), &["a bridge"]),
    ] {
        let error = parse(&text).unwrap_err();
        assert!(words.iter().all(|word| error.contains(word)), "{text}: {error}");
    }
}

#[test]
fn pools_that_share_a_vf_are_refused_and_those_that_do_not_are_not() {
    let two = |one: &str, other: &str| {
        parse(&format!("pools:\n- {{name: a, vfs: {{{one}}}}}\n- {{name: b, vfs: {{{other}}}}}\n"))
    };
    for (one, other, shared) in [
        ("pfs: ['eth0#0-3']", "pfs: ['eth0#3-6']", "eth0#3"),
        ("pfs: [eth0]", "pfs: ['eth0#2']", "eth0#2"),
        ("pfs: [eth0]", "pfs: [eth1, eth0]", "eth0"),
        ("addresses: [0000:01:10.0]", "addresses: [0000:01:10.0]", "0000:01:10.0"),
    ] {
        let error = two(one, other).unwrap_err();
        assert!(error.contains("line 3") && error.contains("line 2"), "{error}");
        assert!(error.contains(&format!("{shared} belongs")), "{error}");
    }
    for (one, other) in [
        ("pfs: ['eth0#0-3']", "pfs: ['eth0#4-6']"),
        ("pfs: [eth0], drivers: [igbvf]", "pfs: [eth0], drivers: [vfio-pci]"),
        ("pfs: [eth0], numa: 0", "pfs: [eth0], numa: 1"),
    ] {
        two(one, other).unwrap();
    }
    let error = parse(
        "pools: [{name: a, slots: {count: 1, bridge: {name: b}}}, {name: a, slots: {count: 1, bridge: {name: b}}}]",
    );
    assert!(error.unwrap_err().contains("two pools are called fastpath.dev/a"));
}

#[test]
fn the_sriov_device_plugins_file_is_understood() {
    let pools = sriovdp::pools(
        br#"{"resourceList": [
            {"resourceName": "sriov_net_A", "resourcePrefix": "mellanox.com", "selectors":
                {"pfNames": ["eth0#0-1"], "drivers": ["vfio-pci"], "needVhostNet": true}},
            {"resourceName": "b", "excludeTopology": true, "selectors":
                [{"vendors": ["8086"], "devices": ["154c"]}, {"pciAddresses": ["0000:AF:06.0"]}]}]}"#,
    )
    .unwrap();
    let [one, other] = &pools[..] else { panic!("{pools:?}") };
    assert_eq!(
        (one.resource.as_str(), other.resource.as_str()),
        ("mellanox.com/sriov_net_A", "intel.com/b")
    );
    let (Kind::Vfs(one), Kind::Vfs(other)) = (&one.kind, &other.kind) else { panic!() };
    assert!(one.vhost_net && other.exclude_topology);
    assert_eq!((one.driver, other.selectors.len()), (None, 2));
    for (selectors, word) in [
        (r#"{"isRdma": true}"#, "isRdma"),
        (r#"{"pKeys": ["0x1"]}"#, "pKeys"),
        (r#"{"linkTypes": ["infiniband"]}"#, "infiniband"),
        ("{}", "empty"),
    ] {
        let json =
            format!(r#"{{"resourceList": [{{"resourceName": "a", "selectors": {selectors}}}]}}"#);
        let error = format!("{:#}", sriovdp::pools(json.as_bytes()).unwrap_err());
        assert!(error.contains(word) && error.contains("pool \"a\""), "{error}");
    }
}
