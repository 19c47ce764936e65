//! What holds for any bytes whatever that a server may send: the target of the fuzzer in `fuzz/`, run
//! by `tests/corpus.rs` over the committed corpus and mutations of it as well.

use serde_json::json;

use crate::vswitch::{Bridge, Interface, OpenVswitch, Port, Qos};
use crate::wire::Reader;
use crate::{Answers, Error, Row, TableUpdates, Transaction, equals};

/// Most of a corpus is shorter.
const LONGEST: u64 = 1 << 16;

/// Whatever a server sends becomes rows or an error that says something, and never more of either
/// than there were bytes.
///
/// # Panics
/// When that does not hold.
pub fn server(bytes: &[u8]) {
    let mut reader = Reader::new(bytes);
    while let Ok(message) = reader.message_of_at_most(LONGEST) {
        rows::<OpenVswitch>(&message.result, bytes.len());
        rows::<Bridge>(&message.result, bytes.len());
        rows::<Port>(&message.result, bytes.len());
        rows::<Interface>(&message.result, bytes.len());
        rows::<Qos>(&message.result, bytes.len());
        for value in [message.result, message.params[1].clone(), message.params] {
            if let Ok(updates) = TableUpdates::of(value) {
                assert!(updates.removed::<Interface>().len() <= bytes.len());
                explained(updates.rows::<Interface>());
            }
        }
    }
}

fn rows<R: Row>(result: &serde_json::Value, bytes: usize) {
    let mut transaction = Transaction::new("Open_vSwitch");
    transaction.expect("Port", &[equals("name", "p")], &["name"], &json!([]));
    let selected = transaction.select::<R>(&[]);
    let answers = explained(Answers::of(&transaction, result.clone()));
    if let Some(rows) = answers.and_then(|mut answers| explained(answers.rows(&selected))) {
        assert!(rows.len() <= bytes);
    }
}

fn explained<T>(outcome: Result<T, Error>) -> Option<T> {
    outcome.map_err(|error| assert!(!error.to_string().is_empty())).ok()
}
