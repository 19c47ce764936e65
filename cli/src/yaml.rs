//! YAML files of operators, whose mistakes are told with their line.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use serde::de::DeserializeOwned;

/// Reads a file and makes of it what `parse` does.
pub(crate) fn read<T>(path: &Path, parse: impl FnOnce(&str) -> Result<T>) -> Result<T> {
    let name = path.display();
    let text = fs::read_to_string(path).with_context(|| format!("read {name}"))?;
    parse(&text).with_context(|| name.to_string())
}

/// Parses the text of one.
pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> Result<T> {
    // The parser shows the lines around a mistake as well.
    serde_saphyr::from_str(text).map_err(|error| {
        let text = error.to_string();
        anyhow!("{}", text.lines().next().unwrap_or_default().to_owned())
    })
}
