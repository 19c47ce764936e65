//! Pools: devices that a device plugin hands out, which the static dialect must leave alone.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::Deserialize;

use crate::Error;

/// One file of `<state>/pools/`: `{"devices": ["0000:01:10.0", ...]}`.
#[derive(Deserialize)]
struct Pool {
    devices: Vec<String>,
}

/// PCI addresses that belong to any pool, as written (lower case).
///
/// # Errors
/// A pool file is unreadable or damaged: better no VF than somebody else's.
pub fn pooled_devices(state_dir: &Path) -> Result<BTreeSet<String>, Error> {
    let dir = state_dir.join("pools");
    let listing = match fs::read_dir(&dir) {
        Ok(listing) => listing,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Err(e) => return Err(Error::file("read", dir)(e)),
    };
    let mut devices = BTreeSet::new();
    for file in listing {
        let path = file.map_err(Error::file("read", &dir))?.path();
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
}
