//! What the node agent hands out: the devices of its pools, which the static dialect must leave alone, and
//! what a container was given with one. The agent writes it, the plugins read it at ADD.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::Error;

/// Of the files' shapes.
const VERSION: u32 = 1;

/// One file of `<state>/pools/`: `{"devices": ["0000:01:10.0", ...]}`.
#[derive(Serialize, Deserialize)]
struct Pool {
    #[serde(default)]
    version: u32,
    #[serde(default)]
    resource: String,
    devices: Vec<String>,
}

/// One file of `<state>/allocations/`, by device: what its container was given.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Allocation {
    version: u32,
    /// The `N` of `/dev/vfio/N`.
    iommu_group: Option<String>,
}

/// Writes the lists of all pools, and removes those of others. A resource's `/` becomes `-`.
///
/// # Errors
/// The disk is full, read-only, ...
pub fn write_pools<'a>(
    state_dir: &Path,
    pools: impl IntoIterator<Item = (&'a str, Vec<String>)>,
) -> Result<(), Error> {
    let dir = state_dir.join("pools");
    let mut written = BTreeSet::new();
    for (resource, devices) in pools {
        let file = dir.join(format!("{}.json", resource.replace('/', "-")));
        replace(&file, &Pool { version: VERSION, resource: resource.to_owned(), devices })?;
        written.insert(file);
    }
    for path in listing(&dir)? {
        if !written.contains(&path) {
            fs::remove_file(&path).map_err(Error::file("remove", &path))?;
        }
    }
    Ok(())
}

/// Remembers over a reboot which IOMMU group a container was given with a device: kubelet gives it the same
/// node again, and the groups may have other numbers by then.
///
/// # Errors
/// The disk is full, read-only, ...
pub fn write_allocation(state_dir: &Path, device: &str, group: Option<&str>) -> Result<(), Error> {
    let allocation = Allocation { version: VERSION, iommu_group: group.map(str::to_owned) };
    replace(&allocation_file(state_dir, device), &allocation)
}

/// The IOMMU group that the device's container was given; none where nobody has allocated it.
///
/// # Errors
/// The file is unreadable or damaged.
pub fn allocated_group(state_dir: &Path, device: &str) -> Result<Option<String>, Error> {
    let path = allocation_file(state_dir, device);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Error::file("read", path)(e)),
    };
    let allocation: Allocation =
        serde_json::from_slice(&bytes).map_err(|source| Error::Damaged { path, source })?;
    Ok(allocation.iommu_group)
}

fn allocation_file(state_dir: &Path, device: &str) -> PathBuf {
    state_dir.join("allocations").join(format!("{device}.json"))
}

/// Replaces a file as a whole, durably; one that says the same already stays.
fn replace(file: &Path, value: &impl Serialize) -> Result<(), Error> {
    let path = file.to_owned();
    let bytes = serde_json::to_vec(value).map_err(|source| Error::Damaged { path, source })?;
    if fs::read(file).is_ok_and(|present| present == bytes) {
        return Ok(());
    }
    if let Some(dir) = file.parent() {
        fs::create_dir_all(dir).map_err(Error::file("create", dir))?;
    }
    // Not `.json`: nobody takes it for one.
    let half = file.with_extension("new");
    let write = || -> io::Result<()> {
        let mut new = File::create(&half)?;
        new.write_all(&bytes)?;
        new.sync_all()?;
        fs::rename(&half, file)
    };
    write().map_err(Error::file("write", file))
}

/// PCI addresses that belong to any pool, as written (lower case).
///
/// # Errors
/// A pool file is unreadable or damaged: better no VF than somebody else's.
pub fn pooled_devices(state_dir: &Path) -> Result<BTreeSet<String>, Error> {
    let dir = state_dir.join("pools");
    let mut devices = BTreeSet::new();
    for path in listing(&dir)? {
        if path.extension().is_none_or(|e| e != "json") {
            continue;
        }
        let bytes = fs::read(&path).map_err(Error::file("read", &path))?;
        let pool: Pool =
            serde_json::from_slice(&bytes).map_err(|source| Error::Damaged { path, source })?;
        devices.extend(pool.devices.iter().map(|d| d.to_ascii_lowercase()));
    }
    Ok(devices)
}

/// The files of a directory; none where it is absent.
fn listing(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(Error::file("read", dir)(e)),
    };
    entries.map(|entry| Ok(entry.map_err(Error::file("read", dir))?.path())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_pools_count_and_a_damaged_one_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        assert!(pooled_devices(dir.path()).unwrap().is_empty());
        let pools = dir.path().join("pools");
        fs::create_dir(&pools).unwrap();
        fs::write(pools.join("a.json"), r#"{"devices":["0000:01:10.0"]}"#).unwrap();
        fs::write(pools.join("b.json"), r#"{"devices":["0000:AF:10.2"]}"#).unwrap();
        let found = pooled_devices(dir.path()).unwrap();
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["0000:01:10.0", "0000:af:10.2"]);
        fs::write(pools.join("c.json"), "{").unwrap();
        assert!(matches!(pooled_devices(dir.path()), Err(Error::Damaged { .. })));
    }
    #[test]
    fn the_agents_lists_are_read_and_those_of_former_pools_go() {
        let dir = tempfile::tempdir().unwrap();
        let one = || ("fastpath.dev/a", vec!["0000:01:10.0".to_owned()]);
        write_pools(dir.path(), [one(), ("fastpath.dev/b", vec!["0000:01:10.1".to_owned()])])
            .unwrap();
        assert_eq!(pooled_devices(dir.path()).unwrap().len(), 2);
        write_pools(dir.path(), [one()]).unwrap();
        assert_eq!(
            pooled_devices(dir.path()).unwrap().into_iter().collect::<Vec<_>>(),
            ["0000:01:10.0"]
        );
    }

    #[test]
    fn an_allocation_tells_its_group() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(allocated_group(dir.path(), "0000:01:10.0").unwrap(), None);
        write_allocation(dir.path(), "0000:01:10.0", Some("12")).unwrap();
        assert_eq!(allocated_group(dir.path(), "0000:01:10.0").unwrap().as_deref(), Some("12"));
        write_allocation(dir.path(), "0000:01:10.0", None).unwrap();
        assert_eq!(allocated_group(dir.path(), "0000:01:10.0").unwrap(), None);
    }
}
