//! Telling it to Node Feature Discovery, whose worker makes labels of the files in a directory
//! (its "local" feature source). Needs no rights in the cluster.

use std::fmt::Write as _;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use hostnet::Host;
use jiff::Timestamp;

use super::Content;
use super::node::seconds;

const FILE: &str = "fastpath";
/// The worker ignores files with a dot in front.
const NEW_FILE: &str = ".fastpath.new";

/// Where the worker looks for feature files.
pub(super) fn dir(host: &Host) -> PathBuf {
    host.etc.join("kubernetes/node-feature-discovery/features.d")
}

/// Makes the labels these. They hold for as long as everything that is told, unless renewed.
pub(super) fn write(dir: &Path, content: &Content, now: Timestamp) -> Result<()> {
    let (new, file) = (dir.join(NEW_FILE), dir.join(FILE));
    fs::write(&new, text(content, now)).and_then(|()| fs::rename(&new, &file)).with_context(|| {
        format!("write {}: is the directory of NFD's worker mounted?", file.display())
    })
}

/// Takes the labels away, once the worker looks again.
pub(super) fn remove(dir: &Path) -> Result<()> {
    let file = dir.join(FILE);
    match fs::remove_file(&file) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("remove {}", file.display()))
        }
        _ => Ok(()),
    }
}

fn text(content: &Content, now: Timestamp) -> String {
    let expiry = seconds(now + policy::VALIDITY);
    let mut text = format!("# By node-agent, which renews it.\n# +expiry-time={expiry}\n");
    for (key, value) in &content.labels {
        // Writing to a String does not fail.
        writeln!(text, "{key}={value}").ok();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(us: &str) -> Content {
        let labels = [("fastpath.dev/vf", "true"), ("fastpath.dev/vf-p99-us", us)];
        let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
        Content { labels: labels.into(), report: Some("{}".to_owned()) }
    }

    #[test]
    fn the_file_has_the_labels_and_when_they_end() {
        let dir = tempfile::tempdir().unwrap();
        let now = "2026-11-28T23:30:00.5Z".parse().unwrap();
        write(dir.path(), &content("20"), now).unwrap();
        write(dir.path(), &content("22"), now).unwrap();
        let text = fs::read_to_string(dir.path().join("fastpath")).unwrap();
        assert_eq!(
            text,
            "# By node-agent, which renews it.\n# +expiry-time=2026-11-29T00:30:00Z\n\
             fastpath.dev/vf=true\nfastpath.dev/vf-p99-us=22\n"
        );
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn it_is_taken_away_once_and_twice() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &content("20"), Timestamp::UNIX_EPOCH).unwrap();
        fs::write(dir.path().join("of-others"), "").unwrap();
        remove(dir.path()).unwrap();
        remove(dir.path()).unwrap();
        let left: Vec<PathBuf> =
            fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(left, [dir.path().join("of-others")]);
    }

    #[test]
    fn a_directory_that_is_not_there_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let error = write(&dir.path().join("none"), &content("20"), Timestamp::UNIX_EPOCH);
        let text = format!("{:#}", error.unwrap_err());
        assert!(
            text.contains("/none/fastpath: is the directory of NFD's worker mounted?"),
            "{text}"
        );
        remove(&dir.path().join("none")).unwrap();
    }
}
