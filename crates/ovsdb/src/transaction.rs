//! Transactions (RFC 7047 5.2): built operation by operation, answered operation by operation.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{Datum, Error};

/// Rows of a table, as far as a program reads them.
pub trait Row: DeserializeOwned {
    /// Table.
    const TABLE: &'static str;
    /// The columns that are read; `_uuid` may be among them.
    const COLUMNS: &'static [&'static str];
}

/// What selects rows: column, function, value.
#[derive(Debug, Clone, Serialize)]
pub struct Condition(&'static str, &'static str, Datum);

/// The column is exactly this.
pub fn equals(column: &'static str, value: impl Serialize) -> Condition {
    Condition(column, "==", json!(value))
}

/// The set or map has at least these elements.
pub fn includes(column: &'static str, value: impl Serialize) -> Condition {
    Condition(column, "includes", json!(value))
}

/// The number is at least this.
#[must_use]
pub fn at_least(column: &'static str, value: i64) -> Condition {
    Condition(column, ">=", json!(value))
}

/// Operations that are done together or not at all.
#[derive(Debug, Clone)]
pub struct Transaction {
    database: &'static str,
    operations: Vec<Value>,
}

/// The answer to a `select` that will come with those of its transaction.
#[derive(Debug)]
pub struct Selected<R> {
    index: usize,
    table: &'static str,
    row: PhantomData<R>,
}

impl Transaction {
    /// An empty one.
    #[must_use]
    pub fn new(database: &'static str) -> Self {
        Self { database, operations: Vec::new() }
    }

    fn push(&mut self, operation: Value) -> usize {
        self.operations.push(operation);
        self.operations.len() - 1
    }

    /// Reads the rows that meet all conditions.
    #[must_use]
    pub fn select<R: Row>(&mut self, conditions: &[Condition]) -> Selected<R> {
        let (table, columns) = (R::TABLE, R::COLUMNS);
        let operation =
            json!({"op": "select", "table": table, "where": conditions, "columns": columns});
        Selected { index: self.push(operation), table, row: PhantomData }
    }

    /// Reads all columns of the rows that meet all conditions.
    #[must_use]
    pub(crate) fn select_all<R>(
        &mut self,
        table: &'static str,
        conditions: &[Condition],
    ) -> Selected<R> {
        let operation = json!({"op": "select", "table": table, "where": conditions});
        Selected { index: self.push(operation), table, row: PhantomData }
    }

    /// Fails the transaction unless these columns of the selected rows are `rows`, now. Its position.
    pub fn expect(
        &mut self,
        table: &str,
        conditions: &[Condition],
        columns: &[&str],
        rows: &Value,
    ) -> usize {
        self.wait(Duration::ZERO, table, conditions, columns, "==", rows)
    }

    /// Waits until some row meets all conditions. `column` is any column of the table.
    pub fn wait_for_row(
        &mut self,
        timeout: Duration,
        table: &str,
        conditions: &[Condition],
        column: &str,
    ) -> usize {
        self.wait(timeout, table, conditions, &[column], "!=", &json!([]))
    }

    /// Waits until `column` of the selected rows is no more `rows`.
    pub fn wait_while(
        &mut self,
        timeout: Duration,
        table: &str,
        conditions: &[Condition],
        column: &str,
        rows: &Value,
    ) -> usize {
        self.wait(timeout, table, conditions, &[column], "!=", rows)
    }

    fn wait(
        &mut self,
        timeout: Duration,
        table: &str,
        conditions: &[Condition],
        columns: &[&str],
        until: &str,
        rows: &Value,
    ) -> usize {
        let timeout = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        self.push(json!({"op": "wait", "timeout": timeout, "table": table, "where": conditions,
                         "columns": columns, "until": until, "rows": rows}))
    }

    /// Adds a row; within the transaction [`named`](crate::named) refers to it.
    pub fn insert(&mut self, table: &str, name: &str, row: &BTreeMap<&str, Datum>) {
        self.push(json!({"op": "insert", "table": table, "uuid-name": name, "row": row}));
    }

    /// Gives these columns of the rows that meet all conditions other values.
    pub fn update(&mut self, table: &str, conditions: &[Condition], row: &BTreeMap<&str, Datum>) {
        self.push(json!({"op": "update", "table": table, "where": conditions, "row": row}));
    }

    /// Removes the rows that meet all conditions.
    pub fn delete(&mut self, table: &str, conditions: &[Condition]) {
        self.push(json!({"op": "delete", "table": table, "where": conditions}));
    }

    /// Changes a column of the rows that meet all conditions: `insert`, `delete`, `+=`.
    pub fn mutate(
        &mut self,
        table: &str,
        conditions: &[Condition],
        column: &str,
        mutator: &str,
        value: impl Serialize,
    ) {
        self.push(json!({"op": "mutate", "table": table, "where": conditions,
                         "mutations": [[column, mutator, value]]}));
    }

    /// Says in the server's log what the transaction is for.
    pub fn comment(&mut self, text: &str) {
        self.push(json!({"op": "comment", "comment": text}));
    }

    pub(crate) fn params(&self) -> Value {
        let database = [json!(self.database)];
        database.into_iter().chain(self.operations.iter().cloned()).collect()
    }

    /// What the operation at `index` is called in errors.
    fn name(&self, index: usize) -> String {
        let Some(operation) = self.operations.get(index) else { return "the commit".to_owned() };
        let word = |key: &str| operation[key].as_str().unwrap_or_default().to_owned();
        format!("{} of {}", word("op"), word("table"))
    }
}

/// The answers to the operations of one transaction.
#[derive(Debug)]
pub struct Answers(Vec<Value>);

impl Answers {
    /// Reads the server's answer; the first operation that failed is the error.
    pub(crate) fn of(transaction: &Transaction, result: Value) -> Result<Self, Error> {
        let Value::Array(answers) = result else {
            return Err(Error::NotOvsdb("the answer to transact is no array".to_owned()));
        };
        let word = |answer: &Value, key: &str| answer[key].as_str().unwrap_or_default().to_owned();
        if let Some(index) =
            answers.iter().position(|answer| answer.get("error").is_some_and(|e| !e.is_null()))
        {
            return Err(Error::Operation {
                index,
                operation: transaction.name(index),
                error: word(&answers[index], "error"),
                details: word(&answers[index], "details"),
            });
        }
        if answers.len() < transaction.operations.len() {
            return Err(Error::NotOvsdb("the answer to transact is too short".to_owned()));
        }
        Ok(Self(answers))
    }

    /// The rows that a `select` of this transaction found.
    ///
    /// # Errors
    /// [`Error::Row`], when they have another shape.
    pub fn rows<R: DeserializeOwned>(&mut self, selected: &Selected<R>) -> Result<Vec<R>, Error> {
        let answer = self.0.get_mut(selected.index);
        let rows = answer.and_then(|answer| answer.get_mut("rows")).map(Value::take);
        serde_json::from_value(rows.unwrap_or_default())
            .map_err(|source| Error::Row { table: selected.table, source })
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Named {
        name: String,
    }

    impl Row for Named {
        const TABLE: &'static str = "Bridge";
        const COLUMNS: &'static [&'static str] = &["name"];
    }

    fn transaction() -> (Transaction, Selected<Named>) {
        let mut transaction = Transaction::new("Open_vSwitch");
        transaction.expect("Port", &[equals("name", "p")], &["name"], &json!([]));
        let selected = transaction.select(&[equals("name", "b")]);
        (transaction, selected)
    }

    #[test]
    fn operations_are_written_as_the_protocol_has_them() {
        let (transaction, _) = transaction();
        assert_eq!(
            transaction.params(),
            json!(["Open_vSwitch",
                {"op": "wait", "timeout": 0, "table": "Port", "where": [["name", "==", "p"]],
                 "columns": ["name"], "until": "==", "rows": []},
                {"op": "select", "table": "Bridge", "where": [["name", "==", "b"]], "columns": ["name"]}])
        );
    }

    #[test]
    fn rows_come_out_as_they_were_selected() {
        let (transaction, selected) = transaction();
        let mut answers =
            Answers::of(&transaction, json!([{}, {"rows": [{"name": "b"}]}])).unwrap();
        assert_eq!(answers.rows(&selected).unwrap()[0].name, "b");
    }

    #[test]
    fn the_operation_that_failed_is_named() {
        let (transaction, _) = transaction();
        let error =
            Answers::of(&transaction, json!([{"error": "timed out", "details": "d"}, null]))
                .unwrap_err();
        assert_eq!(error.timed_out_at(), Some(0));
        assert_eq!(error.to_string(), "the database refused wait of Port: timed out, d");
        let commit = json!([{}, {"rows": []}, {"error": "constraint violation"}]);
        let error = Answers::of(&transaction, commit).unwrap_err();
        assert_eq!(error.to_string(), "the database refused the commit: constraint violation");
    }

    #[test]
    fn answers_of_another_shape_are_refused() {
        let (transaction, selected) = transaction();
        for answer in [json!({}), json!([]), json!(null)] {
            assert!(matches!(Answers::of(&transaction, answer), Err(Error::NotOvsdb(_))));
        }
        for rows in [json!(null), json!([{"name": 7}]), json!({})] {
            let mut answers = Answers::of(&transaction, json!([{}, {"rows": rows}])).unwrap();
            assert!(matches!(answers.rows(&selected), Err(Error::Row { .. })));
        }
    }
}
