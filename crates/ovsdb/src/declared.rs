//! Rows as they should be: the difference to what is there, and the one transaction that makes it go away.
//!
//! Rows belong to an owner, by their `external_ids`. Those of the owner that are no more declared are
//! removed; those of others are never touched.

mod changes;
mod error;
mod found;
mod look;

use std::collections::BTreeMap;

use serde_json::json;

pub use changes::{Change, Difference};
pub use error::Error;
pub(crate) use look::{Scope, difference};

use crate::{Datum, Uuid};

/// A table whose rows can be declared.
#[derive(Debug)]
pub struct Table {
    /// Name.
    pub name: &'static str,
    /// Table and column that refer to its rows; none for rows that stand by themselves (`isRoot`).
    pub parent: Option<(&'static str, &'static str)>,
    /// The columns that tell a row from the owner's others.
    pub key: &'static [&'static str],
    /// Columns that refer to rows to which others may add: a row that has such children stays.
    pub children: &'static [&'static str],
}

/// A row as it should be.
#[derive(Debug, Clone)]
pub struct Declared {
    /// Of this table.
    pub table: &'static Table,
    /// Name of the row that refers to it; none where the parent's table has one row, or there is no parent.
    pub parent: Option<String>,
    /// Its columns, those of the key among them, as far as they are not left to the database.
    pub columns: BTreeMap<&'static str, Datum>,
}

impl Declared {
    /// A row whose key is its name.
    #[must_use]
    pub fn named(table: &'static Table, parent: Option<&str>, name: &str) -> Self {
        Self::of(table, parent).with("name", json!(name))
    }

    /// A row without any column yet.
    #[must_use]
    pub fn of(table: &'static Table, parent: Option<&str>) -> Self {
        Self { table, parent: parent.map(str::to_owned), columns: BTreeMap::new() }
    }

    /// The same with this column.
    #[must_use]
    pub fn with(mut self, column: &'static str, value: Datum) -> Self {
        self.columns.insert(column, value);
        self
    }

    fn name(&self) -> Option<&str> {
        self.columns.get("name")?.as_str()
    }
}

/// What refers to a row that is to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parent {
    /// Nothing: it stands by itself.
    None,
    /// A row that is added beside it.
    Added,
    /// This one.
    Row(Uuid),
    /// The only row of its table.
    Only,
}
