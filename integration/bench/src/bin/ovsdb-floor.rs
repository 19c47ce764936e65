//! The floor under every vhost-user port: what the database of Open vSwitch has to be told, and waiting
//! until the switch has done it. No configuration, record, directory, check or undo.
//!
//! `ovsdb-floor add DATABASE BRIDGE PORT TAG SOCKET` and `ovsdb-floor del ...` with the same words; the
//! first is the socket of the database. Prints how long it took from connecting on, in microseconds.

#![expect(clippy::print_stdout, reason = "how it answers")]

use std::env;
use std::error::Error;
use std::io::{BufReader, Write};
use std::os::unix::net::UnixStream;
use std::time::Instant;

use serde_json::{Deserializer, Value, json};

/// More than the switch ever takes, in milliseconds.
const PATIENCE: u32 = 10_000;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let [verb, database, bridge, port, tag, socket] = words[..] else {
        return Err("usage: ovsdb-floor add|del DATABASE BRIDGE PORT TAG SOCKET".into());
    };
    let tag: u16 = tag.parse()?;
    let start = Instant::now();
    let mut database = Database(BufReader::new(UnixStream::connect(database)?));
    match verb {
        "add" => add(&mut database, bridge, port, tag, socket)?,
        "del" => del(&mut database, bridge, port)?,
        _ => return Err("add or del".into()),
    }
    println!("{}", start.elapsed().as_micros());
    Ok(())
}

fn add(
    database: &mut Database,
    bridge: &str,
    port: &str,
    tag: u16,
    socket: &str,
) -> Result<(), Box<dyn Error>> {
    let interface = json!({"name": port, "type": "dpdkvhostuserclient",
                           "options": ["map", [["vhost-server-path", socket]]]});
    let row = json!({"name": port, "tag": tag, "interfaces": ["named-uuid", "interface"]});
    let plug = json!([["ports", "insert", ["named-uuid", "port"]]]);
    let change = database.change(vec![
        json!({"op": "insert", "table": "Interface", "uuid-name": "interface", "row": interface}),
        json!({"op": "insert", "table": "Port", "uuid-name": "port", "row": row}),
        json!({"op": "mutate", "table": "Bridge", "where": [["name", "==", bridge]],
               "mutations": plug}),
    ])?;
    let made = database.transact(vec![
        until_done(&change),
        json!({"op": "select", "table": "Interface", "where": [["name", "==", port]],
               "columns": ["ofport"]}),
    ])?;
    match made[1]["rows"][0]["ofport"].as_i64() {
        Some(1..) => Ok(()),
        _ => Err(format!("{port} has no number: {made}").into()),
    }
}

fn del(database: &mut Database, bridge: &str, port: &str) -> Result<(), Box<dyn Error>> {
    let found = database
        .transact(vec![json!({"op": "select", "table": "Port", "where": [["name", "==", port]],
               "columns": ["_uuid"]})])?;
    let unplug = json!([["ports", "delete", found[0]["rows"][0]["_uuid"]]]);
    let change = database.change(vec![
        json!({"op": "mutate", "table": "Bridge", "where": [["name", "==", bridge]],
               "mutations": unplug}),
    ])?;
    database.transact(vec![until_done(&change)]).map(drop)
}

/// Waits for the switch to have done the change of this number.
fn until_done(change: &Value) -> Value {
    json!({"op": "wait", "table": "Open_vSwitch", "timeout": PATIENCE, "columns": ["cur_cfg"],
           "where": [["cur_cfg", ">=", change]], "until": "!=", "rows": []})
}

/// A connection.
struct Database(BufReader<UnixStream>);

impl Database {
    /// Changes something of the switch; the number of the change.
    fn change(&mut self, mut operations: Vec<Value>) -> Result<Value, Box<dyn Error>> {
        operations.extend([
            json!({"op": "mutate", "table": "Open_vSwitch", "where": [],
                   "mutations": [["next_cfg", "+=", 1]]}),
            json!({"op": "select", "table": "Open_vSwitch", "where": [], "columns": ["next_cfg"]}),
        ]);
        let answers = self.transact(operations)?;
        let last = answers.as_array().and_then(|answers| answers.last());
        Ok(last.map(|answer| answer["rows"][0]["next_cfg"].clone()).unwrap_or_default())
    }

    /// The answers to the operations.
    fn transact(&mut self, mut operations: Vec<Value>) -> Result<Value, Box<dyn Error>> {
        operations.insert(0, json!("Open_vSwitch"));
        let request = json!({"method": "transact", "params": operations, "id": 0});
        self.0.get_mut().write_all(request.to_string().as_bytes())?;
        let mut messages = Deserializer::from_reader(&mut self.0).into_iter::<Value>();
        let mut answer = messages.next().ok_or("no answer")??;
        let answers = answer["result"].take();
        let refused = |answer: &Value| answer.get("error").is_some_and(|error| !error.is_null());
        match answers.as_array() {
            Some(all) if !all.iter().any(refused) => Ok(answers),
            _ => Err(format!("refused: {answer} {answers}").into()),
        }
    }
}
