//! Nodes that are made up: what the API server would tell of them, and how fast they are.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use jiff::Timestamp;
use serde_json::{Value, json};
use testkit::fake_api::{FakeServer, Reply, json as answer};

/// What a node's agent reported, of the lengths that such texts have.
const REPORT: &str = include_str!("../../../../../crates/policy/corpus/report/full.json");
/// As latency-scheduler asks for them.
const PAGE: usize = 250;
/// Nodes of which the API server tells once more when they are known.
const RENEWED: usize = 1000;

/// p99 of the path `vf` in µs, of the hardware that a cluster consists of after some years.
const P99_US: [u64; 4] = [FASTEST_US, 80, 180, 900];
pub(crate) const FASTEST_US: u64 = 40;

/// Name of the nth node: 45 characters, as clouds give them.
pub(crate) fn name(nth: usize) -> String {
    format!("node-{nth:05}.rack-{:03}.zone-b.cluster.example.de", nth / 40)
}

/// Its p99 of the path `vf`, µs.
pub(crate) fn p99_us(nth: usize) -> u64 {
    // Neighbours are not alike, nor is there a pattern in any part of them.
    P99_US[(nth * 7 + nth / 13) % P99_US.len()]
}

/// Its metadata, of several KB.
pub(crate) fn metadata(nth: usize) -> Result<Value> {
    let name = name(nth);
    let mut report: Value = serde_json::from_str(REPORT).context("the report")?;
    report["node"] = json!(name);
    let labels = json!({
        "beta.kubernetes.io/arch": "amd64", "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux",
        "kubernetes.io/hostname": name,
        "node.kubernetes.io/instance-type": "c6in.metal",
        "topology.kubernetes.io/region": "eu-central-1",
        "topology.kubernetes.io/zone": "eu-central-1b",
        "feature.node.kubernetes.io/cpu-model.vendor_id": "Intel",
        "feature.node.kubernetes.io/network-sriov.capable": "true",
        "fastpath.dev/vf": "true", "fastpath.dev/vf-p99-us": p99_us(nth).to_string(),
        "fastpath.dev/kernel": "true", "fastpath.dev/kernel-p99-us": "140",
    });
    let annotations = json!({
        "fastpath.dev/paths": report.to_string(),
        "fastpath.dev/report-renewed": Timestamp::now().to_string(),
        "flannel.alpha.coreos.com/backend-data": "{\"VNI\":1,\"VtepMAC\":\"8e:0c:4f:d3:1a:70\"}",
        "flannel.alpha.coreos.com/public-ip": format!("10.{}.{}.1", nth / 250, nth % 250),
        "node.alpha.kubernetes.io/ttl": "0",
        "volumes.kubernetes.io/controller-managed-attach-detach": "true",
    });
    let fields = |of: &Value| -> Value {
        of.as_object()
            .into_iter()
            .flatten()
            .map(|(key, _)| (format!("f:{key}"), json!({})))
            .collect()
    };
    let managed = |manager: &str, subresource: &str| {
        json!({
            "manager": manager, "operation": "Update", "apiVersion": "v1", "subresource": subresource,
            "time": "2026-11-28T05:00:00Z", "fieldsType": "FieldsV1",
            "fieldsV1": {"f:metadata": {"f:annotations": fields(&annotations), "f:labels": fields(&labels)}},
        })
    };
    Ok(json!({
        "name": name,
        "uid": format!("48c504c7-5b74-4f1c-a6d3-{nth:012x}"),
        "resourceVersion": "7",
        "creationTimestamp": "2026-11-01T00:00:00Z",
        "managedFields": [managed("kubelet", ""), managed("kube-controller-manager", "status"), managed("node-agent", "")],
        "labels": labels,
        "annotations": annotations,
    }))
}

/// Writes the first nodes as `kubectl get nodes -o json` prints them.
pub(crate) fn write(file: &Path, count: usize) -> Result<()> {
    let items = (0..count).map(|nth| Ok(json!({"metadata": metadata(nth)?})));
    let list = json!({"kind": "List", "items": items.collect::<Result<Vec<_>>>()?});
    fs::write(file, list.to_string()).with_context(|| format!("write {}", file.display()))
}

/// An API server that has them, page by page, and tells of some of them again.
pub(crate) fn serve(count: usize) -> Result<FakeServer> {
    let objects: Vec<String> = (0..count)
        .map(|nth| {
            Ok(json!({"kind": "PartialObjectMetadata", "metadata": metadata(nth)?}).to_string())
        })
        .collect::<Result<_>>()?;
    let pages = count.div_ceil(PAGE);
    Ok(FakeServer::start(move |nth, _| {
        if let Some(page) = objects.chunks(PAGE).nth(nth) {
            let next = if nth + 1 < pages { "more" } else { "" };
            let metadata = format!("{{\"resourceVersion\": \"7\", \"continue\": \"{next}\"}}");
            let items = page.join(",");
            return answer(200, &format!("{{\"metadata\": {metadata}, \"items\": [{items}]}}"));
        }
        let event = |object: &String| format!("{{\"type\": \"MODIFIED\", \"object\": {object}}}\n");
        let events: String = objects.iter().take(RENEWED).map(event).collect();
        Reply::Silence(format!("HTTP/1.1 200 \r\n\r\n{events}").into_bytes())
    }))
}
