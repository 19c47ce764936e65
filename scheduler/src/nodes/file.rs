//! Nodes out of a file: what `kubectl get nodes -o json` printed.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use policy::NodeObjects;

use super::{Nodes, entry};

impl Nodes {
    /// The nodes of a file, for good.
    pub(crate) fn read(&self, path: &Path) -> Result<()> {
        let hint = || format!("read the nodes of {}", path.display());
        let text = fs::read(path).with_context(hint)?;
        let list: NodeObjects = serde_json::from_slice(&text)
            .with_context(|| format!("{}: `kubectl get nodes -o json` prints it", hint()))?;
        self.replace(list.items.unwrap_or_default().into_iter().map(entry).collect());
        Ok(())
    }
}
