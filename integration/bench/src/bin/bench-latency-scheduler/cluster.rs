//! Pods a second of the real kube-scheduler, with the extender and without: an API server and etcd with nodes
//! that nobody runs.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bench::rounds::turns;
use jiff::Timestamp;
use serde_json::{Value, json};
use testkit::k8s::Cluster;
use testkit::wait::eventually;

use crate::nodes;
use crate::server::Server;

/// Nodes of the cluster; the scheduler asks about 500 of them.
pub(crate) const NODES: usize = 5_000;
/// Pods that wait when the scheduler starts.
pub(crate) const PODS: usize = 600;
/// kubectl processes at once, as one creates one object after the other.
const WRITERS: usize = 8;
/// Between two looks at the audit log: seldom, since that takes from the processors.
const LOOK: Duration = Duration::from_secs(3);
/// Until all pods of a round have a node.
const PLACED: Duration = Duration::from_mins(2);
/// Pods that the extender brings to the fastest nodes, at least: that it was asked, and heard.
const ON_FASTEST: usize = PODS * 9 / 10;

/// Pods a second, of each round.
#[derive(Default)]
pub(crate) struct Rates {
    pub(crate) with: Vec<f64>,
    pub(crate) without: Vec<f64>,
}

/// Both kinds of rounds in turn, on one cluster.
pub(crate) fn measure(extender: &Path, rounds: usize) -> Result<Rates> {
    let cluster = Cluster::start();
    create(&cluster, &(0..NODES).map(node).collect::<Result<Vec<_>>>()?)?;
    let kubeconfig = cluster.admin_kubeconfig();
    let kubeconfig = kubeconfig.to_str().context("a path that is no text")?;
    let address = "127.0.0.1:9445";
    let server =
        Server::start(extender, &["--listen", address, "--kubeconfig", kubeconfig], address)?;
    let without = json!({"clientConnection": {"qps": 5000, "burst": 5000}});
    let mut with = without.clone();
    with["extenders"] = json!([{
        "urlPrefix": format!("http://{}/v1", server.address),
        "prioritizeVerb": "prioritize",
        "weight": 5,
        "nodeCacheCapable": true,
        "ignorable": true,
        "httpTimeout": "200ms",
        "managedResources": [{"name": "fastpath.dev/vf"}],
    }]);
    let mut rates = Rates::default();
    for round in 0..rounds {
        for turn in turns(round, 2) {
            if turn == 0 {
                let (rate, fastest) = place(&cluster, &with)?;
                ensure!(fastest >= ON_FASTEST, "only {fastest} pods went to the fastest nodes");
                rates.with.push(rate);
            } else {
                rates.without.push(place(&cluster, &without)?.0);
            }
        }
    }
    Ok(rates)
}

/// Lets the scheduler place pods that wait for it; how many a second, and how many on one of the fastest nodes.
fn place(cluster: &Cluster, scheduler: &Value) -> Result<(f64, usize)> {
    create(cluster, &(0..PODS).map(pod).collect::<Vec<_>>())?;
    let before = cluster.audited();
    cluster.start_scheduler(scheduler);
    let mut arrived = Vec::new();
    eventually(PLACED, "all pods to have a node", || {
        thread::sleep(LOOK);
        let bound = cluster.requests_since(before).into_iter();
        let bound = bound.filter(|one| one.uri.ends_with("/binding") && one.code == Some(201));
        arrived = bound.map(|one| one.at).collect();
        arrived.len() >= PODS
    });
    cluster.stop_scheduler();
    let pods = cluster.get(&["pods"]);
    let fastest: Vec<String> = (0..NODES)
        .filter(|nth| nodes::p99_us(*nth) == nodes::FASTEST_US)
        .map(nodes::name)
        .collect();
    let placed = pods["items"].as_array().into_iter().flatten();
    let placed = placed.filter_map(|pod| pod["spec"]["nodeName"].as_str());
    let on_fastest = placed.filter(|node| fastest.iter().any(|name| name == node)).count();
    let all = "/api/v1/namespaces/default/pods?gracePeriodSeconds=0";
    cluster.kubectl(&["delete", "--raw", all]);
    Ok((rate(&arrived)?, on_fastest))
}

/// From the first binding to the last.
fn rate(arrived: &[String]) -> Result<f64> {
    let mut times: Vec<Timestamp> =
        arrived.iter().map(|at| at.parse()).collect::<Result<_, _>>().context("the audit log")?;
    times.sort_unstable();
    let [first, .., last] = times[..] else { anyhow::bail!("too few bindings") };
    let after_the_first = u32::try_from(times.len() - 1)?;
    Ok(f64::from(after_the_first) / last.duration_since(first).as_secs_f64())
}

/// Creates the objects.
fn create(cluster: &Cluster, objects: &[Value]) -> Result<()> {
    let create = |writer: usize, items: &[Value]| -> Result<()> {
        let file = cluster.dir().join(format!("new-{writer}.json"));
        let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
        fs::write(&file, list.to_string()).with_context(|| format!("write {}", file.display()))?;
        cluster.kubectl(&["create", "-f", &file.display().to_string()]);
        Ok(())
    };
    let shares = objects.chunks(objects.len().div_ceil(WRITERS));
    thread::scope(|scope| {
        let start = |(writer, items)| scope.spawn(move || create(writer, items));
        let writers: Vec<_> = shares.enumerate().map(start).collect();
        writers.into_iter().try_for_each(|writer| writer.join().expect("a writer panicked"))
    })
}

/// With room for all pods, so that only their speed makes nodes differ.
fn node(nth: usize) -> Result<Value> {
    let mut metadata = nodes::metadata(nth)?;
    for set_by_server in ["uid", "resourceVersion", "creationTimestamp", "managedFields"] {
        metadata[set_by_server] = Value::Null;
    }
    let room = json!({"cpu": "64", "memory": "256Gi", "pods": "250", "fastpath.dev/vf": "32"});
    Ok(json!({
        "apiVersion": "v1", "kind": "Node", "metadata": metadata,
        "status": {"capacity": room, "allocatable": room},
    }))
}

/// As admission leaves a pod with a budget of 5000 µs.
fn pod(nth: usize) -> Value {
    let figure = "fastpath.dev/vf-p99-us";
    let resources = json!({"cpu": "100m", "memory": "64Mi", "fastpath.dev/vf": "1"});
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": format!("pod-{nth}"),
            "annotations": {"latency": "5000", "fastpath.dev/path": "vf"},
        },
        "spec": {
            "containers": [{
                "name": "app", "image": "app",
                "resources": {"requests": resources, "limits": resources},
            }],
            "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [
                    {"matchExpressions": [{"key": figure, "operator": "Lt", "values": ["5001"]}]},
                    {"matchExpressions": [
                        {"key": figure, "operator": "DoesNotExist"},
                        {"key": "fastpath.dev/vf", "operator": "In", "values": ["true"]},
                    ]},
                ],
            }}},
        },
    })
}
