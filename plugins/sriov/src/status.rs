//! STATUS: could an ADD of this network work at all? Never "all VFs are taken": that would take the
//! node out of service.

use attachment::Error;
use cni::{StatusRequest, delegate, logging};

use crate::Sriov;
use crate::conf::{Conf, Device};
use crate::error::SriovError;

pub(crate) fn status(plugin: &Sriov, request: &StatusRequest) -> Result<(), cni::Error> {
    logging::init_of(&request.conf, "STATUS");
    let conf = Conf::of_network(&request.conf).map_err(SriovError::from)?;
    available(plugin, &conf)?;
    delegate::ipam_status(request)
}

fn available(plugin: &Sriov, conf: &Conf) -> Result<(), SriovError> {
    let missing = |text: String| Err(Error::NotAvailable(text).into());
    plugin.journal()?.prepare()?;
    match &conf.device {
        Some(Device::AnyOf(netdev)) => match plugin.sysfs.pf(netdev) {
            Ok(pf) if plugin.sysfs.total_vfs(&pf)? == 0 => {
                return missing(format!(
                    "{netdev} offers no VFs: switch SR-IOV on in its firmware"
                ));
            }
            Ok(_) => {}
            Err(e) => return missing(e.to_string()),
        },
        Some(Device::Vf(addr)) => {
            if let Err(e) = plugin.sysfs.vf(*addr) {
                return missing(e.to_string());
            }
        }
        None => {}
    }
    if let Some(dpdk) = &conf.dpdk
        && !plugin.sysfs.offers_driver(&dpdk.dpdk_driver, &plugin.host.modules, &plugin.host.proc)
    {
        return missing(format!("driver {} is neither loaded nor installed", dpdk.dpdk_driver));
    }
    if conf.dpdk.as_ref().is_some_and(|d| d.dpdk_driver == "vfio-pci") && !plugin.sysfs.has_iommu()
    {
        return missing("there is no IOMMU: boot with intel_iommu=on or amd_iommu=on".to_owned());
    }
    Ok(())
}
