//! Where the executable of a plugin is found: in `CNI_PATH`, and nowhere else.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::{Error, code};

/// The executable of a plugin: the first regular file of that name with an execute bit. Relative
/// directories are skipped: a plugin must not come from wherever the caller happens to stand.
pub(crate) fn find(plugin: &str, path: &[PathBuf]) -> Result<PathBuf, Error> {
    let missing =
        |hint: &str| Error::new(code::CONFIG, format!("plugin {plugin:?} not found"), hint);
    if plugin.is_empty() || plugin.contains(['/', '\0']) || matches!(plugin, "." | "..") {
        return Err(missing("a plugin's type must be a file name without path separators"));
    }
    if path.is_empty() {
        return Err(missing(
            "CNI_PATH is not set; the runtime must name the plugin directories in it",
        ));
    }
    for dir in path.iter().filter(|dir| dir.is_relative()) {
        log::warn!("{:?} of CNI_PATH is skipped: it is not an absolute path", dir.display());
    }
    let found = absolute(path).map(|dir| dir.join(plugin)).find(|file| is_executable(file));
    found.ok_or_else(|| {
        let searched: Vec<_> = path.iter().map(|dir| searched(dir)).collect();
        missing(&format!(
            "no executable of that name in CNI_PATH ({}); install it there or correct \"type\"",
            searched.join(", ")
        ))
    })
}

/// `CNI_PATH` for the plugin itself, which may call others: without what [`find`] skips.
pub(super) fn variable(path: &[PathBuf]) -> OsString {
    absolute(path).map(|dir| dir.as_os_str()).collect::<Vec<_>>().join(":".as_ref())
}

fn absolute(path: &[PathBuf]) -> impl Iterator<Item = &PathBuf> {
    path.iter().filter(|dir| dir.is_absolute())
}

fn searched(dir: &Path) -> String {
    let note = if dir.is_absolute() { "" } else { ", skipped because it is not absolute" };
    format!("{}{note}", dir.display())
}

fn is_executable(file: &Path) -> bool {
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    fn install(dir: &Path, plugin: &str) {
        fs::create_dir_all(dir).unwrap();
        fs::write(dir.join(plugin), "").unwrap();
        fs::set_permissions(dir.join(plugin), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Relative to the directory tests run in: the crate's own.
    fn from_here(dir: &Path) -> PathBuf {
        let here = std::env::current_dir().unwrap();
        let up = here.components().skip(1).map(|_| "..").collect::<PathBuf>();
        up.join(dir.strip_prefix("/").unwrap())
    }

    #[test]
    fn relative_directories_are_skipped_and_not_passed_on() {
        let dir = TempDir::new().unwrap();
        install(dir.path(), "fake");
        let relative = from_here(dir.path());
        assert!(relative.join("fake").exists());
        let error = find("fake", &[relative.clone(), PathBuf::new()]).unwrap_err();
        assert_eq!(error.code, code::CONFIG);
        assert!(error.details.contains("not absolute"), "{error}");
        let path = [relative, dir.path().to_owned()];
        assert_eq!(find("fake", &path), Ok(dir.path().join("fake")));
        assert_eq!(variable(&path), dir.path().as_os_str());
    }

    #[test]
    fn an_absolute_directory_may_go_up() {
        let dir = TempDir::new().unwrap();
        install(&dir.path().join("bin"), "fake");
        fs::create_dir(dir.path().join("lib")).unwrap();
        let path = [dir.path().join("lib/../bin")];
        assert_eq!(find("fake", &path), Ok(path[0].join("fake")));
    }

    #[test]
    fn a_directory_called_like_the_plugin_is_not_it() {
        let dir = TempDir::new().unwrap();
        let path = ["a", "b"].map(|name| dir.path().join(name));
        fs::create_dir_all(path[0].join("fake")).unwrap();
        install(&path[1], "fake");
        assert_eq!(find("fake", &path), Ok(path[1].join("fake")));
    }
}
