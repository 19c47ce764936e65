//! What plugins were called for and how long it took: written by each, read by the node agent for its
//! metrics. A measurement, and no book: a line may be lost, never a part of one.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Error;

/// Where nobody reads, it grows no further.
const MOST: u64 = 1 << 20;
/// It begins anew when it was read to its end and is longer than this.
const SHORT: u64 = 64 << 10;

/// A call that a plugin has served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The plugin.
    pub plugin: String,
    /// `ADD` or `DEL`.
    pub verb: String,
    /// How long it took, in whole µs.
    pub took: Duration,
    /// It succeeded.
    pub ok: bool,
}

/// The list of calls, read from where the last look ended.
#[derive(Debug)]
pub struct Calls {
    path: PathBuf,
    at: u64,
}

impl Call {
    /// Adds it to the list. A failure is no failure of the call, and only logged.
    pub fn note(&self, run_dir: &Path) {
        let path = path(run_dir);
        let append = || -> std::io::Result<()> {
            let mut options = OpenOptions::new();
            options.append(true).create(true).mode(0o600);
            let mut file = match options.open(&path) {
                Err(e) if e.kind() == ErrorKind::NotFound => {
                    fs::create_dir_all(run_dir)?;
                    options.open(&path)?
                }
                opened => opened?,
            };
            if file.metadata()?.len() > MOST {
                return Ok(());
            }
            // In one piece: others append at the same time.
            file.write_all(self.line().as_bytes())
        };
        if let Err(error) = append() {
            log::debug!("append to {}: {error}", path.display());
        }
    }

    fn line(&self) -> String {
        let outcome = if self.ok { "ok" } else { "failed" };
        format!("{} {} {} {outcome}\n", self.plugin, self.verb, self.took.as_micros())
    }

    fn of_line(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let [plugin, verb, took, outcome] = [(); 4].map(|()| words.next());
        Some(Self {
            plugin: plugin?.to_owned(),
            verb: verb?.to_owned(),
            took: Duration::from_micros(took?.parse().ok()?),
            ok: outcome? == "ok",
        })
    }
}

impl Calls {
    /// The list below `run_dir`, from its beginning.
    #[must_use]
    pub fn new(run_dir: &Path) -> Self {
        Self { path: path(run_dir), at: 0 }
    }

    /// What was added since the last look.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(&mut self) -> Result<Vec<Call>, Error> {
        let mut file = match OpenOptions::new().read(true).write(true).open(&self.path) {
            Ok(file) => file,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(Error::file("open", &self.path)(e)),
        };
        self.read_from(&mut file).map_err(Error::file("read", &self.path))
    }

    fn read_from(&mut self, file: &mut File) -> std::io::Result<Vec<Call>> {
        if file.metadata()?.len() < self.at {
            self.at = 0;
        }
        file.seek(SeekFrom::Start(self.at))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        // A line that is being written has no end yet.
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        self.at += whole as u64;
        if self.at > SHORT && whole == bytes.len() {
            file.set_len(0)?;
            self.at = 0;
        }
        let text = String::from_utf8_lossy(&bytes[..whole]);
        Ok(text.lines().filter_map(Call::of_line).collect())
    }
}

fn path(run_dir: &Path) -> PathBuf {
    run_dir.join("calls")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(us: u64, ok: bool) -> Call {
        let took = Duration::from_micros(us);
        Call { plugin: "sriov".to_owned(), verb: "ADD".to_owned(), took, ok }
    }

    #[test]
    fn calls_are_read_once_and_the_list_begins_anew() {
        let dir = tempfile::tempdir().unwrap();
        let run = dir.path().join("run");
        let mut calls = Calls::new(&run);
        assert!(calls.read().unwrap().is_empty());
        call(1200, true).note(&run);
        call(7, false).note(&run);
        assert_eq!(calls.read().unwrap(), [call(1200, true), call(7, false)]);
        assert!(calls.read().unwrap().is_empty());
        for _ in 0..5000 {
            call(1, true).note(&run);
        }
        assert_eq!(calls.read().unwrap().len(), 5000);
        assert_eq!(fs::metadata(path(&run)).unwrap().len(), 0);
        call(2, true).note(&run);
        assert_eq!(calls.read().unwrap(), [call(2, true)]);
    }

    #[test]
    fn half_a_line_and_rubbish_are_left_out() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(path(dir.path()), "what\nsriov ADD 12 ok\nsriov DE").unwrap();
        let mut calls = Calls::new(dir.path());
        assert_eq!(calls.read().unwrap(), [call(12, true)]);
        OpenOptions::new()
            .append(true)
            .open(path(dir.path()))
            .unwrap()
            .write_all(b"L 3 ok\n")
            .unwrap();
        let del = Call { verb: "DEL".to_owned(), ..call(3, true) };
        assert_eq!(calls.read().unwrap(), [del]);
    }

    #[test]
    fn a_list_that_nobody_reads_stops_to_grow() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(path(dir.path()), vec![b'x'; 1 + (1 << 20)]).unwrap();
        call(1, true).note(dir.path());
        assert_eq!(fs::metadata(path(dir.path())).unwrap().len(), 1 + (1 << 20));
    }
}
