//! Who is measured, and how each is called.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a plugin is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Give the pod its networks.
    Add,
    /// Take them back.
    Del,
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Add => "ADD",
            Self::Del => "DEL",
        })
    }
}

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

/// What a call is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) verb: Verb,
    pub(crate) container: &'a str,
    pub(crate) ifname: &'a str,
    pub(crate) netns: &'a str,
    /// `CNI_ARGS`.
    pub(crate) args: &'a str,
    /// `CNI_PATH`.
    pub(crate) path: &'a str,
}

impl Call<'_> {
    /// The call of an executable, without its standard streams.
    pub(crate) fn of(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("CNI_COMMAND", self.verb.to_string())
            .env("CNI_CONTAINERID", self.container)
            .env("CNI_IFNAME", self.ifname)
            .env("CNI_NETNS", self.netns)
            .env("CNI_ARGS", self.args)
            .env("CNI_PATH", self.path);
        command
    }
}
