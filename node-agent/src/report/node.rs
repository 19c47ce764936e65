//! Telling it on the Node object, by server-side apply: fields of other managers stay, and what we
//! no longer tell goes.

use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use apiserver::{Access, ApiServer, Error, Inquiry, Question, is_object_name};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Content;

/// How long the API server has for all of one write.
pub(super) const DEADLINE: Duration = Duration::from_secs(5);

const MANAGER: &str = "fastpath-node-agent";
const CLIENT: &str = concat!("fastpath-node-agent/", env!("CARGO_PKG_VERSION"));
const RIGHTS: &str =
    "whom the token is of needs what deploy/node-agent/rbac.yaml grants: patch nodes";

/// Makes our labels and annotations of the node these, as of `now`.
pub(super) fn write(access: &Access, node: &str, content: &Content, now: Timestamp) -> Result<()> {
    let mut annotations = json!({policy::RENEWED: seconds(now)});
    if let Some(report) = &content.report {
        annotations[policy::PATHS] = json!(report);
    }
    let told = json!({"labels": content.labels, "annotations": annotations});
    match apply(access, node, told)? {
        Applied::Done => Ok(()),
        Applied::NoNode => Err(anyhow!(
            "there is no node {node:?}: give the name that `kubectl get nodes` shows as --node"
        )),
    }
}

/// Takes our labels and annotations away. There are none on a node that is gone.
pub(super) fn remove(access: &Access, node: &str) -> Result<()> {
    apply(access, node, json!({})).map(drop)
}

enum Applied {
    Done,
    NoNode,
}

fn apply(access: &Access, node: &str, mut metadata: Value) -> Result<Applied> {
    let inquiry =
        Inquiry { operation: format!("report to node {node}"), name: node, rights: RIGHTS };
    if !is_object_name(node) {
        return Ok(Applied::NoNode);
    }
    let path = format!("/api/v1/nodes/{node}");
    let server = ApiServer::connect(access, CLIENT, Instant::now() + DEADLINE)?;
    let uid = match uid(&server, &inquiry, &path) {
        Err(Error::Missing { .. }) => return Ok(Applied::NoNode),
        uid => uid?,
    };
    metadata["name"] = json!(node);
    metadata["uid"] = json!(uid);
    let body = json!({"apiVersion": "v1", "kind": "Node", "metadata": metadata}).to_string();
    let question = Question::Apply { path, manager: MANAGER, body };
    server.ask(&inquiry, &question)?;
    Ok(Applied::Done)
}

/// The node's uid. An apply that names it never creates a node, which it does otherwise where the
/// rights allow it. Asked by a change of nothing, so that the right to patch suffices.
fn uid(server: &ApiServer, inquiry: &Inquiry, path: &str) -> Result<String, Error> {
    let nothing = Question::Patch { path: path.to_owned(), body: "{}".to_owned() };
    let answer = server.ask(inquiry, &nothing)?;
    let node: Node = serde_json::from_slice(&answer.body)
        .map_err(|error| server.failed(inquiry, &format!("the answer is no node: {error}")))?;
    Ok(node.metadata.uid)
}

#[derive(Deserialize)]
struct Node {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    uid: String,
}

/// RFC 3339, whole seconds.
pub(super) fn seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
