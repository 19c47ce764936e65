//! kube-scheduler's question answered without HTTP: for benchmarks, which compare.

use std::path::Path;

use anyhow::{Context, Result};
use jiff::Timestamp;

use crate::extender;
use crate::nodes::Nodes;

/// What `/v1/prioritize` answers to a body, with the nodes of a file.
///
/// # Errors
/// The file has no nodes. What is returned refuses bodies that are no question.
pub fn prioritize(nodes: &Path) -> Result<impl Fn(&[u8]) -> Result<Vec<u8>> + use<>> {
    let known = Nodes::default();
    known.read(nodes)?;
    Ok(move |body: &[u8]| {
        let answer = known.ask(|table| extender::prioritize(body, table, Timestamp::now()));
        answer.context("the nodes are not known")?
    })
}
