//! What an installation consists of.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::HostRoot;
use super::file::{self, Found};
use super::record::{Placed, Record};

/// The programs for the directory of CNI plugins.
pub(super) const PLUGINS: [&str; 4] = ["sriov", "vhostuser", "ovn", "multus-lite"];

/// Files to be placed, in this order: plugins before what names them.
#[derive(Default)]
pub(super) struct Wanted {
    pub(super) plugins: Vec<WantedFile>,
    pub(super) configuration: Vec<WantedFile>,
}

/// A file as it is to be.
pub(super) struct WantedFile {
    /// Where, on the host.
    pub(super) path: PathBuf,
    pub(super) content: Vec<u8>,
    pub(super) mode: u32,
    /// Whether its content changes by itself later on, as that of a token.
    pub(super) renewed: bool,
}

impl Wanted {
    /// Those of our plugins that are in a directory.
    pub(super) fn plugins(from: &Path, cni_bin_dir: &Path) -> Result<Self> {
        let mut plugins = Vec::new();
        for name in PLUGINS {
            let source = from.join(name);
            match fs::read(&source) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                content => plugins.push(WantedFile {
                    path: cni_bin_dir.join(name),
                    content: content.with_context(|| format!("read {}", source.display()))?,
                    mode: 0o755,
                    renewed: false,
                }),
            }
        }
        ensure!(!plugins.is_empty(), "{} has none of {}", from.display(), PLUGINS.join(", "));
        Ok(Self { plugins, ..Self::default() })
    }

    /// The record as it will be. Refuses what would overwrite another one's file.
    pub(super) fn checked(&self, mut record: Record, tree: &HostRoot) -> Result<Record> {
        for file in &self.plugins {
            file.checked(&mut record.plugins, tree)?;
        }
        for file in &self.configuration {
            file.checked(&mut record.configuration, tree)?;
        }
        let missing = self.files().flat_map(|file| missing_directories(&file.path, tree));
        for directory in missing {
            if !record.directories.contains(&directory) {
                record.directories.push(directory);
            }
        }
        Ok(record)
    }

    /// Places what is not there yet.
    pub(super) fn place(&self, tree: &HostRoot) -> Result<()> {
        for file in self.files() {
            for directory in missing_directories(&file.path, tree) {
                let directory = tree.at(&directory);
                fs::create_dir(&directory)
                    .with_context(|| format!("create {}", directory.display()))?;
            }
            let path = tree.at(&file.path);
            // Where this was killed before.
            file::remove_half(&path)?;
            if file.is_there(&file::look(&path)?) {
                log::info!("{} is in place", file.path.display());
            } else {
                file::place(&path, &file.content, file.mode)?;
                log::info!("{} is placed", file.path.display());
            }
        }
        Ok(())
    }

    fn files(&self) -> impl Iterator<Item = &WantedFile> {
        self.plugins.iter().chain(&self.configuration)
    }
}

impl WantedFile {
    /// Adds it to what was placed, unless somebody else has put the very same file there already.
    fn checked(&self, placed: &mut Vec<Placed>, tree: &HostRoot) -> Result<()> {
        let found = file::look(&tree.at(&self.path))?;
        let sha256 = (!self.renewed).then(|| file::sha256(&self.content));
        let known = placed.iter_mut().find(|placed| placed.path == self.path);
        match (&found, known) {
            (Found::Nothing, None) => {
                placed.push(Placed { path: self.path.clone(), sha256, replaces: None });
            }
            (Found::Nothing, Some(known)) => known.sha256 = sha256,
            (Found::File { sha256: now, .. }, Some(known)) if known.is(now) => {
                if sha256.as_ref().is_some_and(|sum| sum != now) {
                    known.replaces = Some(now.clone());
                }
                known.sha256 = sha256;
            }
            (_, None) if self.is_there(&found) => {}
            (_, None) => bail!(
                "{} is there already, and was not placed by this program: \
                 move it away, or install to another directory",
                self.path.display()
            ),
            (_, Some(_)) => bail!(
                "{} was changed by somebody else since it was installed: move it away to have it replaced",
                self.path.display()
            ),
        }
        Ok(())
    }

    fn is_there(&self, found: &Found) -> bool {
        *found == Found::File { sha256: file::sha256(&self.content), mode: self.mode }
    }
}

/// The directories above a path that are not there, outer ones first.
fn missing_directories(path: &Path, tree: &HostRoot) -> Vec<PathBuf> {
    let above = path.ancestors().skip(1);
    let mut missing: Vec<PathBuf> =
        above.take_while(|path| !tree.at(path).exists()).map(Path::to_owned).collect();
    missing.reverse();
    missing
}
