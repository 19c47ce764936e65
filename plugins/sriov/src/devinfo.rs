//! The device-info file (Device Information Specification 1.1.0), where the runtime asks for one.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

use cni::Request;
use serde_json::{Map, Value, json};

use crate::error::{ConfError, SriovError};
use crate::record::Detail;

/// The file named by the `CNIDeviceInfoFile` capability, if it is.
pub(crate) fn path(request: &Request) -> Result<Option<PathBuf>, SriovError> {
    let named: Option<PathBuf> =
        request.conf.runtime_config("CNIDeviceInfoFile").map_err(ConfError::Fields)?;
    let climbs = |path: &PathBuf| path.components().any(|c| c == Component::ParentDir);
    match named.filter(|p| !p.as_os_str().is_empty()) {
        Some(path) if !path.is_absolute() || climbs(&path) => Err(ConfError::Value {
            key: "runtimeConfig.CNIDeviceInfoFile",
            value: path.display().to_string(),
            want: "an absolute path without ..",
        }
        .into()),
        path => Ok(path),
    }
}

/// Writes the file. What a device plugin put there (an RDMA device, say) is kept.
pub(crate) fn write(path: &Path, detail: &Detail) -> Result<(), SriovError> {
    let failed = |source| SriovError::DeviceInfo { path: path.to_owned(), source };
    let text = contents(fs::read(path).ok().as_deref(), detail).to_string();
    if let Some(dir) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o755).create(dir).map_err(failed)?;
    }
    remove(path)?;
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o444).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}

/// Removes the file; the runtime may have done so already.
pub(crate) fn remove(path: &Path) -> Result<(), SriovError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != ErrorKind::NotFound => {
            Err(SriovError::DeviceInfo { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

fn contents(present: Option<&[u8]>, detail: &Detail) -> Value {
    let kept: Option<Map<String, Value>> = present
        .and_then(|bytes| serde_json::from_slice::<Value>(bytes).ok())
        .and_then(|value| value.get("pci")?.as_object().cloned());
    let mut pci = kept.unwrap_or_default();
    pci.insert("pci-address".to_owned(), json!(detail.vf));
    pci.insert("pf-pci-address".to_owned(), json!(detail.pf));
    json!({"type": "pci", "version": "1.1.0", "pci": pci})
}
