//! Who is measured.

use std::path::{Path, PathBuf};

/// A meta-plugin.
#[derive(Debug)]
pub(crate) struct Contender {
    /// Name in the tables.
    pub(crate) name: String,
    /// Executable.
    pub(crate) program: PathBuf,
}

impl Contender {
    pub(crate) fn new(name: &str, program: &Path) -> Self {
        Self { name: name.to_owned(), program: program.to_owned() }
    }
}
