//! The nodes of the cluster and what they publish, as far as it is known here.

mod file;
mod watch;

use std::sync::{PoisonError, RwLock};

use foldhash::fast::RandomState;
use indexmap::IndexMap;
use policy::{Node, NodeObject};

/// What is kept of each node, by its name. A question looks up thousands of them, and most of that is waiting for memory: so
/// they lie close together, and the hash is a short one.
pub(crate) type Table = IndexMap<Box<str>, Node, RandomState>;

/// The table, once it is complete. Many ask, one source fills it.
#[derive(Default)]
pub(crate) struct Nodes {
    table: RwLock<Option<Table>>,
}

impl Nodes {
    /// What `ask` makes of the table; none as long as the table is not complete.
    pub(crate) fn ask<T>(&self, ask: impl FnOnce(&Table) -> T) -> Option<T> {
        self.table.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(ask)
    }

    /// Whether the table is complete.
    pub(crate) fn synced(&self) -> bool {
        self.ask(|_| ()).is_some()
    }

    /// These are all nodes.
    pub(crate) fn replace(&self, all: Table) {
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = Some(all);
    }

    /// Changes the entry of one node; `change` returns what it was.
    fn change(&self, change: impl FnOnce(&mut Table) -> Option<Node>) {
        if let Some(table) = &mut *self.table.write().unwrap_or_else(PoisonError::into_inner) {
            change(table);
        }
    }
}

/// The entry of the table for a node.
pub(crate) fn entry(object: NodeObject) -> (Box<str>, Node) {
    let node = object.node();
    (object.metadata.name.into(), node)
}
