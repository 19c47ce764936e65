//! What is in the database, as `ovs-vsctl` tells it.

use serde_json::{Map, Value};

use super::Ovs;

/// What an attachment may change, by table; each begins with what names a row.
const STATE: [(&str, &[&str]); 5] = [
    ("Bridge", &["name", "datapath_type", "ports", "other_config", "external_ids"]),
    ("Port", &["name", "interfaces", "tag", "trunks", "vlan_mode", "qos", "external_ids"]),
    ("Interface", &["name", "type", "options", "mtu_request", "external_ids"]),
    ("QoS", &["_uuid", "type", "queues", "other_config", "external_ids"]),
    ("Queue", &["_uuid", "other_config", "external_ids"]),
];

impl Ovs {
    /// These columns of the rows of a table that fulfil all conditions (`name=br0`, as `ovs-vsctl find`
    /// takes them), each row an object, sorted.
    ///
    /// Maps are objects, UUIDs strings and sets arrays, except that a set of one is that one: a port
    /// with a tag has `100`, one without `[]`.
    #[must_use]
    pub fn find(&self, table: &str, columns: &[&str], conditions: &[&str]) -> Vec<Value> {
        let columns = format!("--columns={}", columns.join(","));
        let options = ["--format=json", &columns, "find", table];
        let text = self.vsctl(&[&options, conditions].concat());
        let found: Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{table}: {error}: {text}"));
        let headings: Vec<&str> =
            array(&found["headings"]).iter().filter_map(Value::as_str).collect();
        let row = |cells| {
            let cells = array(cells).iter().map(plain);
            headings.iter().map(|&heading| heading.to_owned()).zip(cells).collect::<Map<_, _>>()
        };
        let mut rows: Vec<Value> =
            array(&found["data"]).iter().map(row).map(Value::Object).collect();
        rows.sort_by_key(Value::to_string);
        rows
    }

    /// The names of all rows of a table, sorted.
    #[must_use]
    pub fn names(&self, table: &str) -> Vec<String> {
        let rows = self.find(table, &["name"], &[]);
        rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
    }

    /// The names of the ports of a bridge, without the one named like it, sorted.
    #[must_use]
    pub fn ports(&self, bridge: &str) -> Vec<String> {
        self.vsctl(&["list-ports", bridge]).lines().map(Into::into).collect()
    }

    /// All bridges, ports and interfaces and what limits their rates, one a line: what an attachment
    /// may change, to be compared as a whole and read by people.
    #[must_use]
    pub fn state(&self) -> String {
        let lines = STATE.iter().flat_map(|(table, columns)| {
            self.find(table, columns, &[]).into_iter().map(move |row| {
                let cells = columns[1..].iter().map(|column| format!(" {column}={}", row[column]));
                format!("{table} {}{}\n", row[columns[0]], cells.collect::<String>())
            })
        });
        lines.collect()
    }
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A value without the database's notation for what JSON does not have.
fn plain(value: &Value) -> Value {
    let Some([Value::String(kind), content]) = value.as_array().map(Vec::as_slice) else {
        return value.clone();
    };
    match kind.as_str() {
        "set" => array(content).iter().map(plain).collect(),
        "map" => array(content).iter().map(|pair| (text(&pair[0]), plain(&pair[1]))).collect(),
        _ => content.clone(),
    }
}

/// The key of a map; that may be a number.
fn text(key: &Value) -> String {
    key.as_str().map_or_else(|| key.to_string(), Into::into)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_databases_notation_goes_away() {
        for (given, expected) in [
            (json!(100), json!(100)),
            (json!(["set", []]), json!([])),
            (json!(["set", [1, 2]]), json!([1, 2])),
            (json!(["uuid", "0-1"]), json!("0-1")),
            (json!(["set", [["uuid", "0-1"], ["uuid", "0-2"]]]), json!(["0-1", "0-2"])),
            (json!(["map", [["a", "b"]]]), json!({"a": "b"})),
            (json!(["map", [[0, ["uuid", "0-1"]]]]), json!({"0": "0-1"})),
        ] {
            assert_eq!(plain(&given), expected);
        }
    }
}
