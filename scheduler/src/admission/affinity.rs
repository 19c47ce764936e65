//! To which nodes a pod may go, as rules that kube-scheduler knows itself.
//!
//! A pod's nodeSelectorTerms are alternatives, the expressions within one hold together. "As before, and A or B" is
//! therefore each term twice, once with A and once with B.

use policy::{Bands, Budget, Datapath};
use serde_json::{Value, json};

use super::Refusal;
use super::pod::malformed;

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

/// Expressions that have to hold together.
type Expressions = Vec<Value>;

/// What a node must be for a path: one of these. None when any will do.
pub(crate) fn alternatives(
    path: Datapath,
    budget: Budget,
    bands: &Bands,
    require_measured: bool,
) -> Vec<Expressions> {
    // A budget leaves room for one more: see `policy::Budget`.
    let below = (budget.us() + 1).to_string();
    let measured = vec![json!({"key": path.p99_label(), "operator": "Lt", "values": [below]})];
    let unmeasured = vec![
        json!({"key": path.p99_label(), "operator": "DoesNotExist"}),
        json!({"key": path.label(), "operator": "In", "values": ["true"]}),
    ];
    match path {
        _ if require_measured || bands.need_figure(path) => vec![measured],
        // Any node has a kernel, and plain ones have no agent that says so.
        Datapath::Kernel => Vec::new(),
        _ => vec![measured, unmeasured],
    }
}

/// Requires one of the alternatives, besides what the affinity requires already. Twice is as good as once.
///
/// A term without any expression matches no node, and is left as it is.
pub(crate) fn require(affinity: &mut Value, alternatives: &[Expressions]) -> Result<(), Refusal> {
    if alternatives.is_empty() {
        return Ok(());
    }
    let required = &mut node_affinity(affinity)?[REQUIRED];
    let merged = match required {
        Value::Null => alternatives.iter().map(|one| json!({"matchExpressions": one})).collect(),
        Value::Object(_) => {
            let terms = list(&required["nodeSelectorTerms"], "nodeSelectorTerms")?;
            let mut merged = Vec::new();
            for term in terms {
                merged.extend(merge(term, alternatives)?);
            }
            merged
        }
        _ => return Err(malformed(REQUIRED, "an object")),
    };
    required["nodeSelectorTerms"] = Value::Array(merged);
    Ok(())
}

/// A term with each of the alternatives; only itself when it has one of them.
fn merge(term: &Value, alternatives: &[Expressions]) -> Result<Vec<Value>, Refusal> {
    if !term.is_object() {
        return Err(malformed("nodeSelectorTerms", "a list of objects"));
    }
    let expressions = list(&term["matchExpressions"], "matchExpressions")?;
    let matches_nothing =
        expressions.is_empty() && list(&term["matchFields"], "matchFields")?.is_empty();
    let has = |one: &Expressions| one.iter().all(|expression| expressions.contains(expression));
    if matches_nothing || alternatives.iter().any(has) {
        return Ok(vec![term.clone()]);
    }
    let with = |one: &Expressions| {
        let mut term = term.clone();
        term["matchExpressions"] = json!([expressions, one].concat());
        term
    };
    Ok(alternatives.iter().map(with).collect())
}

/// Prefers nodes that have none of the paths that others need more. Twice is as good as once.
pub(crate) fn prefer_plain_nodes(affinity: &mut Value, bands: &Bands) -> Result<(), Refusal> {
    let fast = bands.iter().map(|band| band.path).filter(|path| *path != Datapath::Kernel);
    let none: Vec<_> =
        fast.map(|path| json!({"key": path.label(), "operator": "DoesNotExist"})).collect();
    let plain = json!({"weight": 100, "preference": {"matchExpressions": none}});
    let preferred = &mut node_affinity(affinity)?[PREFERRED];
    let mut terms = list(preferred, PREFERRED)?.to_vec();
    if !terms.contains(&plain) {
        terms.push(plain);
        *preferred = Value::Array(terms);
    }
    Ok(())
}

/// The node affinity within an affinity, an object from now on.
fn node_affinity(affinity: &mut Value) -> Result<&mut Value, Refusal> {
    match affinity {
        Value::Object(_) | Value::Null => {}
        _ => return Err(malformed("/spec/affinity", "an object")),
    }
    let node = &mut affinity["nodeAffinity"];
    match node {
        Value::Null => *node = json!({}),
        Value::Object(_) => {}
        _ => return Err(malformed("/spec/affinity/nodeAffinity", "an object")),
    }
    Ok(node)
}

/// A list; absent and null are empty.
fn list<'a>(value: &'a Value, place: &str) -> Result<&'a [Value], Refusal> {
    match value {
        Value::Null => Ok(&[]),
        Value::Array(list) => Ok(list),
        _ => Err(malformed(place, "a list")),
    }
}
