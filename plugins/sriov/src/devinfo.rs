//! The device-info file, where the runtime asks for one.

use std::path::Path;

use npwg::devinfo::{self, Device, DeviceInfo, Pci};

use crate::error::SriovError;
use crate::record::Detail;

/// Writes the file. What a device plugin put there (an RDMA device, say) is kept.
pub(crate) fn write(path: &Path, detail: &Detail) -> Result<(), SriovError> {
    let present = devinfo::read(path).ok().flatten();
    let described = present.and_then(|value| DeviceInfo::from_json(&value).ok());
    let kept = match described.map(|info| info.device) {
        Some(Device::Pci(pci)) => pci,
        _ => Pci::default(),
    };
    let device = Device::Pci(Pci {
        pci_address: detail.vf.to_string(),
        pf_pci_address: Some(detail.pf.to_string()),
        ..kept
    });
    Ok(devinfo::write(path, &DeviceInfo::new(device))?)
}
