//! What is to be done, as a transaction and in words.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use super::found::text;
use super::{Declared, Parent, Table};
use crate::{Datum, Transaction, Uuid, equals, includes, map, named, set};

/// One change.
#[derive(Debug, Clone)]
pub enum Change {
    /// A row is added.
    Add {
        /// The row.
        row: Declared,
        /// What refers to it.
        parent: Parent,
    },
    /// A column of a row gets another value.
    Set {
        /// Table.
        table: &'static Table,
        /// Row.
        row: Uuid,
        /// Its key.
        key: Vec<Value>,
        /// Column.
        column: &'static str,
        /// What it is.
        from: Datum,
        /// What it will be.
        to: Datum,
    },
    /// A key of a map gets another value, in the only row of a table, which belongs to everybody.
    SetKey {
        /// Table.
        table: &'static str,
        /// Column.
        column: &'static str,
        /// Key.
        key: String,
        /// What it is.
        from: Option<String>,
        /// What it will be.
        to: Option<String>,
    },
    /// A row is removed.
    Remove {
        /// Table.
        table: &'static Table,
        /// Row.
        row: Uuid,
        /// Its key.
        key: Vec<Value>,
        /// What it refers to by columns to which others may add.
        children: Vec<(&'static str, Vec<Uuid>)>,
        /// What refers to it is removed as well, and takes it along.
        with_parent: bool,
    },
    /// A row stays, because others have added to it.
    Keep {
        /// Table.
        table: &'static Table,
        /// Its key.
        key: Vec<Value>,
    },
}

/// How the rows of an owner differ from what should be.
#[derive(Debug, Clone)]
pub struct Difference {
    /// What is to be done; more may be added.
    pub changes: Vec<Change>,
    database: &'static str,
    owner: (String, String),
    /// The owner's rows of each table, when they were looked at.
    pub(super) seen: Vec<(&'static str, Vec<Uuid>)>,
}

impl Difference {
    pub(super) fn new(database: &'static str, (key, value): (&str, &str)) -> Self {
        let owner = (key.to_owned(), value.to_owned());
        Self { changes: Vec::new(), database, owner, seen: Vec::new() }
    }

    /// Whether all is as it should be.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.iter().all(|change| matches!(change, Change::Keep { .. }))
    }

    fn owned(&self) -> Datum {
        map([(self.owner.0.as_str(), &self.owner.1)])
    }

    /// Does all of it, or nothing if somebody changed meanwhile what it relies on.
    pub(crate) fn transaction(&self) -> Transaction {
        let mut all = Transaction::new(self.database);
        for (table, rows) in &self.seen {
            let rows: Value = rows.iter().map(|uuid| json!({"_uuid": uuid})).collect();
            all.expect(table, &[includes("external_ids", self.owned())], &["_uuid"], &rows);
        }
        for change in &self.changes {
            rely_on(&mut all, change);
        }
        for (index, change) in self.changes.iter().enumerate() {
            self.carry_out(&mut all, index, change);
        }
        let (what, name) = &self.owner;
        all.comment(&format!("fastpath: {what} {name}"));
        all
    }

    fn carry_out(&self, all: &mut Transaction, index: usize, change: &Change) {
        match change {
            Change::Add { row, parent } => self.insert(all, index, row, parent),
            Change::Set { table, row, column, to, .. } => {
                all.update(
                    table.name,
                    &[equals("_uuid", row)],
                    &BTreeMap::from([(*column, to.clone())]),
                );
            }
            Change::SetKey { table, column, key, from, to } => {
                // A key that somebody added meanwhile stays as it is: inserting does not replace it.
                if from.is_some() {
                    all.mutate(table, &[], column, "delete", set([key]));
                }
                if let Some(to) = to {
                    all.mutate(table, &[], column, "insert", map([(key.as_str(), to)]));
                }
            }
            Change::Remove { with_parent: true, .. } | Change::Keep { .. } => {}
            Change::Remove { table, row, .. } => match table.parent {
                None => all.delete(table.name, &[equals("_uuid", row)]),
                // It goes when nothing refers to it any more.
                Some((parent, column)) => {
                    all.mutate(parent, &[includes(column, row)], column, "delete", set([row]));
                }
            },
        }
    }

    fn insert(&self, all: &mut Transaction, index: usize, row: &Declared, parent: &Parent) {
        let mut columns = row.columns.clone();
        columns.insert("external_ids", self.owned());
        for (column, children) in self.children_of(row) {
            columns.insert(column, set(children));
        }
        all.insert(row.table.name, &inserted(index), &columns);
        let Some((table, column)) = row.table.parent else { return };
        let refer = set([named(&inserted(index))]);
        match parent {
            Parent::Row(uuid) => {
                all.mutate(table, &[equals("_uuid", uuid)], column, "insert", refer);
            }
            Parent::Only => all.mutate(table, &[], column, "insert", refer),
            Parent::None | Parent::Added => {}
        }
    }

    /// The rows that are added beside a new one and that it refers to, by column.
    fn children_of(&self, row: &Declared) -> BTreeMap<&'static str, Vec<Datum>> {
        let mut children: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (index, change) in self.changes.iter().enumerate() {
            let Change::Add { row: child, parent: Parent::Added } = change else { continue };
            let Some((table, column)) = child.table.parent else { continue };
            if table == row.table.name && child.parent.as_deref() == row.name() {
                children.entry(column).or_default().push(named(&inserted(index)));
            }
        }
        children
    }
}

fn inserted(index: usize) -> String {
    format!("row{index}")
}

/// Fails the transaction if what a change relies on is no more so.
fn rely_on(all: &mut Transaction, change: &Change) {
    match change {
        Change::Add { row, parent } => {
            if let Some(name) = row.name().filter(|_| row.table.parent.is_none()) {
                all.expect(row.table.name, &[equals("name", name)], &["name"], &json!([]));
            }
            // Rows that are added to no row would vanish without a word.
            if let (Some((table, _)), Parent::Row(uuid)) = (row.table.parent, parent) {
                let there = json!([{"_uuid": uuid}]);
                all.expect(table, &[equals("_uuid", uuid)], &["_uuid"], &there);
            }
        }
        Change::SetKey { table, column, key, from: Some(from), .. } => {
            let same = includes(column, map([(key.as_str(), from)]));
            all.wait_for_row(Duration::ZERO, table, &[same], column);
        }
        Change::Remove { table, row, children, .. } => {
            for (column, rows) in children {
                let same = json!([{*column: set(rows)}]);
                all.expect(table.name, &[equals("_uuid", row)], &[*column], &same);
            }
        }
        Change::Set { .. } | Change::SetKey { .. } | Change::Keep { .. } => {}
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = |key: &[Value]| key.iter().map(text).collect::<Vec<_>>().join(" ");
        match self {
            Self::Add { row, .. } => {
                let keys: Vec<Value> =
                    row.table.key.iter().map(|column| row.columns[column].clone()).collect();
                write!(f, "+ {} {}", row.table.name, key(&keys))?;
                let others =
                    row.columns.iter().filter(|(column, _)| !row.table.key.contains(column));
                for (column, value) in others.map(|(column, value)| (column, text(value))) {
                    if !value.is_empty() {
                        write!(f, ", {column} {value}")?;
                    }
                }
                Ok(())
            }
            Self::Set { table, key: keys, column, from, to, .. } => {
                let (table, name) = (table.name, key(keys));
                write!(
                    f,
                    "~ {table} {name}, {column}: {} -> {}",
                    said(&text(from)),
                    said(&text(to))
                )
            }
            Self::SetKey { table, column, key, from, to } => {
                let [from, to] =
                    [from, to].map(|text| said(text.as_deref().unwrap_or_default()).to_owned());
                write!(f, "~ {table}, {column}:{key}: {from} -> {to}")
            }
            Self::Remove { table, key: keys, .. } => write!(f, "- {} {}", table.name, key(keys)),
            Self::Keep { table, key: keys } => {
                write!(f, "= {} {} stays: others have added to it", table.name, key(keys))
            }
        }
    }
}

fn said(value: &str) -> &str {
    if value.is_empty() { "nothing" } else { value }
}
