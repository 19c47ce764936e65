//! What a pod is given.

use serde_json::{Value, json};

use super::{admitted, admitted_in, pod, settings};

/// The terms for a path that is measured, or not yet.
fn terms(path: &str, below: &str) -> Value {
    let figure = format!("fastpath.dev/{path}-p99-us");
    json!([
        {"matchExpressions": [{"key": figure, "operator": "Lt", "values": [below]}]},
        {"matchExpressions": [
            {"key": figure, "operator": "DoesNotExist"},
            {"key": format!("fastpath.dev/{path}"), "operator": "In", "values": ["true"]},
        ]},
    ])
}

fn required(pod: &Value) -> &Value {
    &pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
}

fn preferred(pod: &Value) -> &Value {
    &pod["spec"]["affinity"]["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
}

fn devices(pod: &Value, container: usize) -> &Value {
    &pod["spec"]["containers"][container]["resources"]
}

fn stamp(pod: &Value) -> &Value {
    &pod["metadata"]["annotations"]["fastpath.dev/path"]
}

#[test]
fn a_pod_with_nothing_but_a_budget_gets_all_that_it_takes() {
    let before = pod(&json!({"latency": "7000", "team": "a"}));
    let expected = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"generateName": "web-", "annotations": {
            "latency": "7000", "team": "a", "fastpath.dev/path": "ovs-dpdk",
            "k8s.v1.cni.cncf.io/networks": "[{\"name\":\"vhost-net\",\"namespace\":\"default\"}]",
        }},
        "spec": {
            "containers": [{"name": "app", "image": "app", "resources": {
                "requests": {"fastpath.dev/vhostuser": "1"},
                "limits": {"fastpath.dev/vhostuser": "1"},
            }}],
            "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": terms("ovs-dpdk", "7001"),
            }}},
        },
    });
    assert_eq!(admitted(&before), expected);
}

#[test]
fn each_boundary_is_of_one_path() {
    for (budget, path, resource) in [
        ("800", "vf", "fastpath.dev/vf"),
        ("801", "vf", "fastpath.dev/vf"),
        ("4999", "vf", "fastpath.dev/vf"),
        ("5000", "vf", "fastpath.dev/vf"),
        ("5001", "ovs-dpdk", "fastpath.dev/vhostuser"),
        ("9999", "ovs-dpdk", "fastpath.dev/vhostuser"),
        ("10000", "ovs-dpdk", "fastpath.dev/vhostuser"),
    ] {
        let after = admitted(&pod(&json!({"latency": budget})));
        assert_eq!(*stamp(&after), path, "{budget}");
        assert_eq!(devices(&after, 0)["requests"], json!({resource: "1"}), "{budget}");
        let below = (budget.parse::<u64>().unwrap() + 1).to_string();
        assert_eq!(*required(&after), terms(path, &below), "{budget}");
    }
}

#[test]
fn above_the_highest_band_plain_nodes_are_preferred_and_nothing_is_requested() {
    let away = json!([{"weight": 100, "preference": {"matchExpressions": [
        {"key": "fastpath.dev/vf", "operator": "DoesNotExist"},
        {"key": "fastpath.dev/ovs-dpdk", "operator": "DoesNotExist"},
    ]}}]);
    for budget in ["10001", "9223372036854775806"] {
        let after = admitted(&pod(&json!({"latency": budget})));
        let mut expected = pod(&json!({"latency": budget, "fastpath.dev/path": "kernel"}));
        expected["spec"]["affinity"]["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"] =
            away.clone();
        assert_eq!(after, expected, "{budget}");
    }
    let mut other = pod(&json!({"latency": "20000"}));
    let theirs = json!({"weight": 1, "preference": {"matchExpressions": []}});
    other["spec"]["affinity"] = json!({"nodeAffinity": {
        "preferredDuringSchedulingIgnoredDuringExecution": [theirs]}});
    assert_eq!(*preferred(&admitted(&other)), json!([theirs, away[0]]));
}

#[test]
fn who_requires_a_figure_gets_only_nodes_with_one() {
    for (budget, path) in [("5ms", "vf"), ("20ms", "kernel")] {
        let annotations =
            json!({"fastpath.dev/latency": budget, "fastpath.dev/require-measured": "true"});
        let after = admitted(&pod(&annotations));
        let below = if path == "vf" { "5001" } else { "20001" };
        assert_eq!(*required(&after), json!([terms(path, below)[0]]), "{path}");
    }
    let annotations = json!({"latency": "900", "fastpath.dev/require-measured": "false"});
    assert_eq!(*required(&admitted(&pod(&annotations))), terms("vf", "901"));
}

#[test]
fn pods_that_are_not_ours_are_not_touched() {
    let untouched = [
        json!({}),
        Value::Null,
        json!({"fastpath.dev/inject": "nonsense", "fastpath.dev/interfaces": "0"}),
        json!({"latency": "7000", "fastpath.dev/inject": "false"}),
        json!({"latency": "1", "fastpath.dev/inject": "false"}),
        json!({"latency": "fast", "fastpath.dev/inject": "false"}),
        json!({"latency": "7000", "kubernetes.io/config.mirror": "9f86d081"}),
        json!({"k8s.v1.cni.cncf.io/networks": "nowhere"}),
    ];
    for annotations in untouched {
        let before = pod(&annotations);
        assert_eq!(admitted(&before), before);
    }
    let mut bare = pod(&Value::Null);
    bare["metadata"] = json!({"name": "web"});
    bare["spec"] = json!({});
    assert_eq!(admitted(&bare), bare);
}

#[test]
fn devices_are_for_the_container_that_is_named_one_for_each_interface() {
    let annotations = json!({
        "latency": "1000", "fastpath.dev/container": "dpdk", "fastpath.dev/interfaces": "3",
    });
    let mut before = pod(&annotations);
    before["spec"]["containers"] = json!([
        {"name": "app"},
        {"name": "dpdk", "resources": {"requests": {"cpu": "2", "hugepages-1Gi": "1Gi"}, "limits": null}},
    ]);
    let after = admitted(&before);
    assert_eq!(after["spec"]["containers"][0], json!({"name": "app"}));
    assert_eq!(
        *devices(&after, 1),
        json!({
            "requests": {"cpu": "2", "hugepages-1Gi": "1Gi", "fastpath.dev/vf": "3"},
            "limits": {"fastpath.dev/vf": "3"},
        })
    );
    let networks = after["metadata"]["annotations"]["k8s.v1.cni.cncf.io/networks"].as_str();
    let selected = npwg::selections(networks.unwrap(), "elsewhere").unwrap();
    let names: Vec<_> = selected.iter().map(|one| (&*one.namespace, &*one.name)).collect();
    assert_eq!(names, [("default", "vf-net"); 3]);
}

#[test]
fn who_requests_devices_of_ours_gets_none_added() {
    for place in ["containers", "initContainers"] {
        for kind in ["requests", "limits"] {
            let mut before = pod(&json!({"latency": "1000", "fastpath.dev/interfaces": "2"}));
            let resources = json!({kind: {"fastpath.dev/vf": "2"}});
            before["spec"]["containers"][0]["resources"] = json!({});
            before["spec"][place] = json!([{"name": "has", "resources": resources}]);
            let after = admitted(&before);
            assert_eq!(after["spec"][place], before["spec"][place]);
            assert_eq!(*stamp(&after), "vf");
            assert_eq!(*required(&after), terms("vf", "1001"));
        }
    }
}

#[test]
fn networks_that_are_named_give_the_requests() {
    for (named, budget, path, requests) in [
        ("fast", "1000", "vf", json!({"fastpath.dev/vf": "1"})),
        ("fast,management, default/fast@net5", "1000", "vf", json!({"fastpath.dev/vf": "2"})),
        ("[{\"name\": \"vf-net\"}]", "1000", "vf", json!({"fastpath.dev/vf": "1"})),
        ("slots", "6000", "ovs-dpdk", json!({"fastpath.dev/vhostuser": "1"})),
        // Faster than need be, and the slower of two.
        ("fast", "6000", "vf", json!({"fastpath.dev/vf": "1"})),
        (
            "fast,slots",
            "6000",
            "ovs-dpdk",
            json!({"fastpath.dev/vf": "1", "fastpath.dev/vhostuser": "1"}),
        ),
        ("fast,other-card", "5000", "vf", json!({"fastpath.dev/vf": "1", "intel.com/sriov": "1"})),
        ("shared/vf.all", "800", "vf", json!({"fastpath.dev/vf-pool2": "1"})),
    ] {
        // The comma form has no dots.
        let named = if named.contains('.') {
            json!([{"namespace": "shared", "name": "vf.all"}]).to_string()
        } else {
            named.to_owned()
        };
        let before = pod(&json!({"latency": budget, "k8s.v1.cni.cncf.io/networks": named}));
        let after = admitted(&before);
        let below = (budget.parse::<u64>().unwrap() + 1).to_string();
        assert_eq!(after["metadata"]["annotations"]["k8s.v1.cni.cncf.io/networks"], named);
        assert_eq!(*stamp(&after), path, "{named}");
        assert_eq!(devices(&after, 0)["requests"], requests, "{named}");
        assert_eq!(devices(&after, 0)["limits"], requests, "{named}");
        assert_eq!(*required(&after), terms(path, &below), "{named}");
    }
}

#[test]
fn a_path_without_a_band_takes_a_figure() {
    let after =
        admitted(&pod(&json!({"latency": "900", "k8s.v1.cni.cncf.io/networks": "overlay"})));
    assert_eq!(*stamp(&after), "ovn");
    assert_eq!(*required(&after), json!([terms("ovn", "901")[0]]));
    assert!(devices(&after, 0).is_null());
}

#[test]
fn slow_pods_may_name_networks_of_any_path() {
    for (named, path) in [("management", "kernel"), ("bridge", "kernel"), ("fast", "vf")] {
        let before = pod(&json!({"latency": "10001", "k8s.v1.cni.cncf.io/networks": named}));
        let after = admitted(&before);
        assert_eq!(*stamp(&after), path, "{named}");
        assert_eq!(preferred(&after).is_array(), path == "kernel", "{named}");
    }
}

#[test]
fn devices_of_others_are_requested_once() {
    let mut before = pod(&json!({"latency": "20000", "k8s.v1.cni.cncf.io/networks": "other-card"}));
    before["spec"]["containers"][0]["resources"] = json!({"limits": {"intel.com/sriov": "1"}});
    let after = admitted(&before);
    assert_eq!(*devices(&after, 0), before["spec"]["containers"][0]["resources"]);
}

#[test]
fn the_network_of_all_is_for_namespaces_without_their_own() {
    let before = pod(&json!({"latency": "1000", "k8s.v1.cni.cncf.io/networks": " "}));
    let (after, _) = admitted_in("lonely", &before, &settings()).unwrap();
    let annotations = &after["metadata"]["annotations"];
    let named = "[{\"name\":\"vf.all\",\"namespace\":\"shared\"}]";
    assert_eq!(annotations["k8s.v1.cni.cncf.io/networks"], named);
    // Its own resource, not the one that the path usually has.
    assert_eq!(devices(&after, 0)["limits"], json!({"fastpath.dev/vf-pool2": "1"}));
    let (again, _) = admitted_in("lonely", &after, &settings()).unwrap();
    assert_eq!(again, after);
}

#[test]
fn programs_with_dpdk_are_told_that_they_have_no_huge_pages() {
    for (annotations, pages, warned) in [
        (json!({"latency": "1000"}), json!(null), true),
        (json!({"latency": "7000"}), json!({"memory": "1Gi"}), true),
        (json!({"latency": "7000"}), json!({"hugepages-2Mi": "64Mi"}), false),
        (json!({"latency": "70000"}), json!(null), false),
        (json!({}), json!(null), false),
    ] {
        let mut before = pod(&annotations);
        before["spec"]["containers"][0]["resources"] = json!({"limits": pages});
        let (_, warnings) = admitted_in("default", &before, &settings()).unwrap();
        let texts = warnings.as_array().cloned().unwrap_or_default();
        assert_eq!(texts.len(), usize::from(warned), "{annotations}: {warnings}");
        // kubectl shows no more than 256 characters.
        assert!(texts.iter().all(|text| {
            let text = text.as_str().unwrap();
            text.contains("hugepages-2Mi") && text.len() <= 256
        }));
    }
}
