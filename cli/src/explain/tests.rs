//! With files, and against a server on a real socket.

use clap::Parser as _;
use serde_json::{Value, json};
use testkit::fake_api::{FakeServer, Reply, json as answer};

use super::*;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn node(name: &str, labels: &Value, vfs: u64) -> Value {
    let allocatable = json!({"cpu": "4", "fastpath.dev/vf": vfs.to_string()});
    json!({"metadata": {"name": name, "labels": labels}, "status": {"allocatable": allocatable}})
}

fn nodes() -> Value {
    let vf = |p99: &str| json!({"fastpath.dev/vf": "true", "fastpath.dev/vf-p99-us": p99});
    json!({"items": [
        node("plain", &json!({}), 0),
        node("slow", &vf("1250"), 4),
        node("unmeasured", &json!({"fastpath.dev/vf": "true"}), 4),
        node("quick", &vf("40"), 4),
    ]})
}

fn pod(name: &str, annotations: &Value, spec: &Value) -> Value {
    json!({"metadata": {"name": name, "namespace": "shop", "annotations": annotations}, "spec": spec})
}

/// A pod that requests VFs, on a node.
fn holder(name: &str, node: &str, vfs: u64) -> Value {
    let resources = json!({"requests": {"fastpath.dev/vf": vfs.to_string()}});
    pod(name, &json!({}), &json!({"nodeName": node, "containers": [{"resources": resources}]}))
}

fn of_files(annotations: &Value) -> Result<(String, bool)> {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("nodes.json");
    fs::write(&file, nodes().to_string())?;
    from_file(Pod::new(pod("web", annotations, &json!({}))), &file)?.tell(NOW)
}

/// The first word of each line about a node.
fn order(text: &str) -> Vec<&str> {
    let lines = text.lines().skip_while(|line| !line.starts_with("node ")).skip(1);
    lines.filter_map(|line| line.split(' ').next()).collect()
}

#[test]
fn the_best_node_is_first_and_the_others_are_told_why_not() {
    let (text, fits) = of_files(&json!({"latency": "1000"})).unwrap();
    assert!(fits);
    let summary = "pod shop/web: budget 1000 µs, path vf (by the bands; not stamped), wants 1 fastpath.dev/vf\n\
                   bands: the default ones: no API server is asked for others\n";
    assert!(text.starts_with(summary), "{text}");
    assert_eq!(order(&text), ["quick", "unmeasured", "plain", "slow"]);
    assert!(text.contains("-  it has no path vf"), "{text}");
    assert!(text.contains("1250 µs, above the budget of 1000 µs"), "{text}");
    assert!(!text.contains("free"), "{text}");
}

#[test]
fn a_pod_that_no_node_suits_is_told_by_the_status() {
    let measured = json!({"latency": "5001", "fastpath.dev/require-measured": "true"});
    let (text, fits) = of_files(&measured).unwrap();
    assert!(!fits && text.contains("path ovs-dpdk"), "{text}");
}

#[test]
fn a_path_without_a_band_takes_a_node_with_a_figure() {
    let overlay = |p99: Value| json!({"fastpath.dev/ovn": "true", "fastpath.dev/ovn-p99-us": p99});
    let nodes = json!({"items": [
        node("measured", &overlay(json!("900")), 0),
        node("slow", &overlay(json!("2500")), 0),
        node("unmeasured", &json!({"fastpath.dev/ovn": "true"}), 0),
    ]});
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("nodes.json");
    fs::write(&file, nodes.to_string()).unwrap();
    let stamped = json!({"latency": "2000", "fastpath.dev/path": "ovn"});
    let pod = Pod::new(pod("web", &stamped, &json!({})));
    let (text, fits) = from_file(pod, &file).unwrap().tell(NOW).unwrap();
    assert!(fits, "{text}");
    assert_eq!(order(&text), ["measured", "slow", "unmeasured"]);
    for line in [
        "pod shop/web: budget 2000 µs, path ovn (stamped at its creation)",
        "its p99 is 900 µs, within the budget of 2000 µs",
        "its p99 of ovn is 2500 µs, above the budget of 2000 µs",
        "its p99 of ovn was not measured",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn a_stamp_is_not_chosen_again_and_nonsense_is_refused() {
    let (text, _) = of_files(&json!({"latency": "9000", "fastpath.dev/path": "vf"})).unwrap();
    assert!(text.contains("budget 9000 µs, path vf (stamped at its creation)"), "{text}");
    assert!(of_files(&json!({})).unwrap().0.contains("any node will do"));
    let error = of_files(&json!({"latency": "799"})).unwrap_err().to_string();
    assert!(error.contains("the least that works is 800"), "{error}");
    assert!(of_files(&json!({"latency": "5e3"})).is_err());
}

/// A server with these bands and running pods, and two pages of nodes.
fn server(bands: fn() -> Reply, pods: Value) -> FakeServer {
    FakeServer::start(move |_, request| {
        let asked = request.split(' ').nth(1).unwrap_or_default();
        let nodes = nodes();
        let page = |nodes: &[Value], next: &str| {
            answer(200, &json!({"metadata": {"continue": next}, "items": nodes}).to_string())
        };
        let all = nodes["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        match asked {
            "/api/v1/namespaces/kube-system/configmaps/fastpath-bands" => bands(),
            "/api/v1/nodes?limit=100" => page(&all[..2], "more"),
            "/api/v1/nodes?limit=100&continue=more" => page(&all[2..], ""),
            _ if asked.starts_with("/api/v1/pods?limit=100&fieldSelector=") => {
                page(pods.as_array().map(Vec::as_slice).unwrap_or_default(), "")
            }
            "/api/v1/namespaces/shop/pods/web" => {
                let stamped = json!({"latency": "2000", "fastpath.dev/path": "vf"});
                let mut pod = holder("web", "quick", 2);
                pod["metadata"]["annotations"] = stamped;
                answer(200, &pod.to_string())
            }
            _ => status(404, "not found", "gone"),
        }
    })
}

fn status(code: u16, message: &str, name: &str) -> Reply {
    let body =
        json!({"kind": "Status", "message": message, "details": {"name": name}, "code": code});
    answer(code, &body.to_string())
}

fn no_bands() -> Reply {
    status(404, "configmaps \"fastpath-bands\" not found", "fastpath-bands")
}

fn connect(server: &FakeServer) -> Cluster {
    Cluster::connect(&Access::Kubeconfig(server.kubeconfig("{\"token\": \"t\"}"))).unwrap()
}

fn tell(server: &FakeServer, pod: &str) -> Result<(String, bool)> {
    let cluster = connect(server);
    in_cluster(&cluster, cluster.pod("shop", pod)?)?.tell(NOW)
}

#[test]
fn free_devices_are_what_running_pods_left() {
    let pods = json!([
        holder("web", "quick", 2),
        holder("a", "quick", 1),
        holder("b", "unmeasured", 3),
        holder("c", "slow", 2)
    ]);
    let server = server(no_bands, pods);
    let (text, fits) = tell(&server, "web").unwrap();
    assert!(fits, "{text}");
    for line in [
        "pod shop/web: budget 2000 µs, path vf (stamped at its creation), wants 2 fastpath.dev/vf",
        "bands: the default ones: there is no ConfigMap kube-system/fastpath-bands",
        "it is on node quick, marked *",
        // What the pod itself has there is not in its own way.
        "quick*          9  its p99 is 40 µs, within the budget of 2000 µs; 3 fastpath.dev/vf free",
        "slow            3  its p99 is 1250 µs, within the budget of 2000 µs; 2 fastpath.dev/vf free",
        "unmeasured      -  it has 1 free of vf, and the pod wants 2",
    ] {
        assert!(text.lines().any(|one| one == line), "{line}\n{text}");
    }
    let running = "status.phase!%3DSucceeded,status.phase!%3DFailed,spec.nodeName!%3D ";
    assert!(server.requests().iter().any(|asked| asked.contains(running)));
}

#[test]
fn the_bands_are_those_of_the_cluster() {
    let own = || {
        let yaml = "bands: [{path: ovs-dpdk, from: 1ms}]";
        answer(200, &json!({"data": {"bands.yaml": yaml}}).to_string())
    };
    let server = server(own, json!([]));
    let cluster = connect(&server);
    let pod = || Pod::new(pod("new", &json!({"latency": "2000"}), &json!({})));
    let (text, _) = in_cluster(&cluster, pod()).unwrap().tell(NOW).unwrap();
    assert!(text.contains("path ovs-dpdk (by the bands; not stamped)"), "{text}");
    assert!(text.contains("bands: those of ConfigMap kube-system/fastpath-bands\n"), "{text}");
}

#[test]
fn bands_that_may_not_be_read_are_the_default_ones_and_bad_ones_are_told() {
    let forbidden = || status(403, "no", "fastpath-bands");
    let (text, _) = tell(&server(forbidden, json!([])), "web").unwrap();
    assert!(
        text.contains(
            "bands: the default ones: ConfigMap kube-system/fastpath-bands may not be read"
        )
    );
    for (bands, what) in [
        ((|| answer(200, "{\"data\": {}}")) as fn() -> Reply, "has no key bands.yaml"),
        (|| answer(200, "{\"data\": {\"bands.yaml\": \"bands: []\"}}"), "at least one band"),
        (|| answer(500, "{}"), "get ConfigMap kube-system/fastpath-bands failed"),
    ] {
        let error = format!("{:#}", tell(&server(bands, json!([])), "web").unwrap_err());
        assert!(error.contains(what) && error.contains("fastpath-bands"), "{error}");
    }
}

#[test]
fn a_pod_that_does_not_exist_is_told() {
    let server = server(no_bands, json!([]));
    let error = format!("{:#}", tell(&server, "gone").unwrap_err());
    assert!(error.contains("get pod shop/gone: it does not exist"), "{error}");
    let asked = server.requests().len();
    for name in ["../nodes", "Web", "a?b", ""] {
        let error = tell(&server, name).unwrap_err().to_string();
        assert!(error.contains("cannot be the name of a pod"), "{error}");
    }
    assert_eq!(server.requests().len(), asked);
}

#[test]
fn containers_are_counted_as_kube_scheduler_counts_them() {
    let one = |vfs: Value| json!({"resources": {"limits": {"fastpath.dev/vf": vfs}}});
    let sidecar =
        json!({"restartPolicy": "Always", "resources": {"requests": {"fastpath.dev/vf": "1"}}});
    for (init, containers, count) in [
        (json!(null), json!([one(json!("1")), one(json!(2)), {}]), 3),
        (json!([one(json!("5"))]), json!([one(json!("1"))]), 5),
        (json!([sidecar, one(json!("1"))]), json!([one(json!("3"))]), 4),
        (json!([sidecar, one(json!("5"))]), json!([one(json!("3"))]), 6),
        (json!([]), json!([one(json!("2k"))]), 2000),
        (json!([]), json!([{"name": "a"}]), 0),
    ] {
        let pod = Pod::new(json!({"spec": {"initContainers": init, "containers": containers}}));
        assert_eq!(pod.requests("fastpath.dev/vf"), count, "{init} {containers}");
    }
}

#[test]
fn the_pod_is_named_or_in_a_file() {
    for (arguments, valid) in [
        ("pod web", true),
        ("pod web -n shop --kubeconfig f", true),
        ("--file pod.yaml", true),
        ("--file pod.yaml --nodes nodes.json", true),
        ("--file pod.yaml --kubeconfig f", true),
        ("", false),
        ("pod", false),
        ("--nodes nodes.json", false),
        ("--file pod.yaml pod web", false),
        ("pod web --nodes nodes.json", false),
    ] {
        let line = ["fastpath", "explain"].into_iter().chain(arguments.split_whitespace());
        assert_eq!(crate::Cli::try_parse_from(line).is_ok(), valid, "{arguments}");
    }
}
