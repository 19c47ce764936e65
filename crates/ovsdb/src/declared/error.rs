//! What can go wrong, beside the database itself.

/// Why rows cannot be as they should.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database, or the way to it.
    #[error(transparent)]
    Database(#[from] crate::Error),
    /// Another's row has the name.
    #[error("there is a row {name} of {table} already that is not ours")]
    RowTaken {
        /// Table.
        table: &'static str,
        /// Name.
        name: String,
    },
    /// There is no such row.
    #[error("there is no row {name} of {table}")]
    NoRow {
        /// Table.
        table: &'static str,
        /// Name.
        name: String,
    },
    /// Several rows have the name.
    #[error("there are several rows {name} of {table}")]
    SeveralRows {
        /// Table.
        table: &'static str,
        /// Name.
        name: String,
    },
    /// `ovn-northd` did not take a change up.
    #[error("ovn-northd did not take the change up in time")]
    NorthdBehind,
}
