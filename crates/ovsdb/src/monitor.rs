//! What a monitor reports (RFC 7047 4.1.6): the rows at first, then every change of them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Error, Row, Uuid};

/// A row before and after a change: no `old` where it is new to the monitor, no `new` where it is gone.
/// `old` has only the columns that changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct RowChange {
    /// Before.
    pub old: Option<Value>,
    /// After.
    pub new: Option<Value>,
}

/// Changes, by table and then by the text of the row's UUID.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct TableUpdates(BTreeMap<String, BTreeMap<String, RowChange>>);

impl TableUpdates {
    pub(crate) fn of(value: Value) -> Result<Self, Error> {
        serde_json::from_value(value)
            .map_err(|error| Error::NotOvsdb(format!("an update of a monitor: {error}")))
    }

    /// The changed rows of a table as they are now, with their UUIDs; those that are gone are left out.
    ///
    /// # Errors
    /// [`Error::Row`], when they have another shape.
    pub fn rows<R: Row>(&self) -> Result<Vec<(Uuid, R)>, Error> {
        let rows = self.0.get(R::TABLE).into_iter().flatten();
        let present = rows.filter_map(|(uuid, change)| Some((Uuid::of(uuid), change.new.clone()?)));
        let read = |(uuid, mut row): (Uuid, Value)| {
            // A row has it as a column when it is selected; a monitor says it beside the row.
            if let Some(columns) = row.as_object_mut() {
                columns.insert("_uuid".to_owned(), json!(uuid));
            }
            let read = serde_json::from_value(row);
            Ok((uuid, read.map_err(|source| Error::Row { table: R::TABLE, source })?))
        };
        present.map(read).collect()
    }

    /// The rows of a table that are gone.
    #[must_use]
    pub fn removed<R: Row>(&self) -> Vec<Uuid> {
        let rows = self.0.get(R::TABLE).into_iter().flatten();
        rows.filter(|(_, change)| change.new.is_none()).map(|(uuid, _)| Uuid::of(uuid)).collect()
    }
}
