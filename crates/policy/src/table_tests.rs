use super::*;

fn refused(text: &str) -> String {
    let message = Table::from_yaml(text).unwrap_err().to_string();
    assert!(!message.contains('\n') && message.len() < 400, "{message}");
    message
}

const WHOLE: &str = "\
bands:
- {path: vf, from: 100us}
- {path: ovs-dpdk, from: 2ms}
- {path: ovn, from: 4ms}
- {path: kernel, from: 8ms}
pools:
  fastpath.dev/vf-100g: vf
  example.com/tap: kernel
";

#[test]
fn bands_are_those_of_the_file() {
    let table = Table::from_yaml(WHOLE).unwrap();
    let bands: Vec<_> = table.bands.iter().map(|band| format!("{}: {band}", band.path)).collect();
    let want = [
        "vf: 100 up to 2000",
        "ovs-dpdk: above 2000 up to 4000",
        "ovn: above 4000 up to 8000",
        "kernel: above 8000",
    ];
    assert_eq!(bands, want);
}

#[test]
fn without_bands_they_are_the_default_ones() {
    for text in ["", "{}", "bands:", "pools: {}", "# nothing"] {
        assert_eq!(Table::from_yaml(text).unwrap(), Table::default(), "{text:?}");
    }
}

#[test]
fn a_resource_belongs_to_one_path() {
    let table = Table::from_yaml(WHOLE).unwrap();
    for (resource, path) in [
        ("fastpath.dev/vf", Some(Datapath::Vf)),
        ("fastpath.dev/vhostuser", Some(Datapath::OvsDpdk)),
        ("fastpath.dev/vf-100g", Some(Datapath::Vf)),
        ("example.com/tap", Some(Datapath::Kernel)),
        ("fastpath.dev/other", None),
    ] {
        assert_eq!(table.path(resource), path, "{resource}");
    }
    let of_vf: Vec<_> = table.resources(Datapath::Vf).collect();
    assert_eq!(of_vf, ["fastpath.dev/vf", "fastpath.dev/vf-100g"]);
    assert_eq!(Table::resource(Datapath::Ovn), None);
}

#[test]
fn what_cannot_be_is_told_with_its_line() {
    for (text, line, what) in [
        ("bands:\n- {path: vf, from: 800us}\n- {path: vf, from: 5ms}\n", 3, "has a band already"),
        ("bands:\n- {path: vf, from: 5ms}\n- {path: kernel, from: 5000us}\n", 3, "above that of"),
        ("bands:\n- {path: vf, from: 5ms}\n- {path: kernel, from: 1ms}\n", 3, "above that of"),
        ("bands:\n- {path: dpdk, from: 5ms}\n", 2, "vf, ovs-dpdk, ovn or kernel"),
        ("bands:\n- {path: vf, from: 800}\n", 2, "such as 800us or 5ms"),
        ("bands:\n- {path: vf, from: 0us}\n", 2, "such as 800us or 5ms"),
        ("bands: []\n", 1, "at least one band"),
        ("pools:\n  fastpath.dev/vf: kernel\n", 2, "the path of this is fixed"),
        ("pools:\n  vf-100g: vf\n", 2, "such as fastpath.dev/vf-100g"),
        ("pools:\n  fastpath.dev/vf-100g: fast\n", 2, "vf, ovs-dpdk, ovn or kernel"),
    ] {
        let message = refused(text);
        assert!(message.contains(&format!("line {line}: ")), "{message}");
        assert!(message.contains(what), "{message}");
    }
}

#[test]
fn what_is_no_table_is_refused() {
    for text in
        ["bands: 5", "band: []", "bands:\n- {path: vf}", "- a", "bands: [", "pools: {a: 1, a: 2}"]
    {
        refused(text);
    }
}
