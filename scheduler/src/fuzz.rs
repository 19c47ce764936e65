//! What holds for any bytes whatever: a fuzzer's target, run by `tests/corpus.rs` over the
//! committed corpus and mutations of it as well. It panics when its invariant breaks.

mod review;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use policy::NodeObjects;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::nodes::{self, Table};
use crate::{extender, routes};

pub use review::review;

/// Any body gets an answer or is refused with a line. Only nodes that were asked about are answered; scores
/// are from 1 to 10; a node passes or is refused, not both, and none is forgotten.
///
/// # Panics
/// When that does not hold.
pub fn body(bytes: &[u8]) {
    let (table, now) = (table(), Timestamp::UNIX_EPOCH);
    if let Some(scores) = answer(extender::prioritize(bytes, &table, now)) {
        let asked = names(bytes);
        for one in scores.as_array().into_iter().flatten() {
            assert!(one["Host"].as_str().is_some_and(|host| asked.contains(host)), "{one}");
            assert!(one["Score"].as_u64().is_some_and(|score| (1..=10).contains(&score)), "{one}");
        }
    }
    if let Some(filtered) = answer(extender::filter(bytes, &table, now)) {
        let passed = set(filtered["NodeNames"].as_array().into_iter().flatten());
        let failed = keys(&filtered["FailedNodes"]);
        assert!(passed.is_disjoint(&failed), "{filtered}");
        assert!(keys(&filtered["FailedAndUnresolvableNodes"]).is_subset(&failed), "{filtered}");
        assert_eq!(passed.union(&failed).cloned().collect::<BTreeSet<_>>(), names(bytes));
    }
    if let Some(preempted) = answer(extender::preempt(bytes, &table, now)) {
        let asked = parsed(bytes, "NodeNameToMetaVictims", keys);
        let asked = if asked.is_empty() { parsed(bytes, "NodeNameToVictims", keys) } else { asked };
        assert!(keys(&preempted["NodeNameToMetaVictims"]).is_subset(&asked), "{preempted}");
    }
}

/// Nodes of every kind, by the names that the corpus has.
fn table() -> Table {
    let text = include_str!("../tests/wire/nodes.json");
    let list: NodeObjects = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}"));
    list.items.unwrap_or_default().into_iter().map(nodes::entry).collect()
}

/// The answer; none when the body was refused.
fn answer(answer: anyhow::Result<Vec<u8>>) -> Option<Value> {
    match answer {
        Ok(json) => Some(serde_json::from_slice(&json).unwrap_or_else(|error| panic!("{error}"))),
        Err(error) => {
            let line = routes::in_a_line(&error);
            assert!(!line.is_empty() && !line.contains(char::is_control), "{line:?}");
            None
        }
    }
}

/// The names that a body asks about, read by another way.
fn names(bytes: &[u8]) -> BTreeSet<String> {
    parsed(bytes, "NodeNames", |names| set(names.as_array().into_iter().flatten()))
}

/// What `read` makes of a key, however it is spelt. The rest of the body is skipped, whatever is in it.
fn parsed(bytes: &[u8], key: &str, read: fn(&Value) -> BTreeSet<String>) -> BTreeSet<String> {
    let spelt = [key.to_owned(), key.to_lowercase(), key.replacen('N', "n", 1)];
    let fields: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(bytes).unwrap_or_default();
    let fields = fields.iter().filter(|(name, _)| spelt.contains(name));
    let values = fields.map(|(_, raw)| serde_json::from_str(raw.get()).unwrap_or_default());
    values.flat_map(|value| read(&value)).collect()
}

/// The texts that are not empty.
fn set<'a>(values: impl Iterator<Item = &'a Value>) -> BTreeSet<String> {
    values.filter_map(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned).collect()
}

fn keys(map: &Value) -> BTreeSet<String> {
    map.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect()
}
