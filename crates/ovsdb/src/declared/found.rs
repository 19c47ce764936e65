//! A row as it is in the database, with all its columns, and how values are compared and told.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::Table;
use crate::{Set, Uuid};

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Found(BTreeMap<String, Value>);

impl Found {
    pub(super) fn uuid(&self) -> Option<Uuid> {
        serde_json::from_value(self.0.get("_uuid")?.clone()).ok()
    }

    /// Null where there is no such column.
    pub(super) fn column(&self, name: &str) -> Value {
        self.0.get(name).cloned().unwrap_or_default()
    }

    /// The rows that it refers to by a column.
    pub(super) fn refers_to(&self, column: &str) -> Vec<Uuid> {
        serde_json::from_value(self.column(column)).map(|Set(uuids)| uuids).unwrap_or_default()
    }

    pub(super) fn key(&self, table: &Table) -> Vec<Value> {
        table.key.iter().map(|column| normal(&self.column(column))).collect()
    }
}

/// One notation for equal values: a set of one may be written without its brackets, and the order of sets
/// and maps says nothing.
pub(super) fn normal(value: &Value) -> Value {
    let Some((tag, elements)) = tagged(value) else { return value.clone() };
    if let ("set", [one]) = (tag, elements) {
        return one.clone();
    }
    let mut elements = elements.to_vec();
    elements.sort_by_key(ToString::to_string);
    json!([tag, elements])
}

/// A value as people write it: `a`, `a b`, `key=value key=value`.
pub(super) fn text(value: &Value) -> String {
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match tagged(value) {
        Some(("set", elements)) => elements.iter().map(plain).collect::<Vec<_>>().join(" "),
        Some((_, pairs)) => {
            let pair = |pair: &Value| format!("{}={}", plain(&pair[0]), plain(&pair[1]));
            pairs.iter().map(pair).collect::<Vec<_>>().join(" ")
        }
        None => plain(value),
    }
}

/// The elements of a set or a map.
fn tagged(value: &Value) -> Option<(&str, &[Value])> {
    let [tag, elements] = value.as_array()?.as_slice() else { return None };
    let tag = tag.as_str().filter(|tag| ["set", "map"].contains(tag))?;
    Some((tag, elements.as_array()?))
}
