//! The pod's interface: one end of a pair, whose other end is a port of the integration bridge.

use cni::AddResult;
use hostnet::{LinkChange, Mac, Netns, Rtnl, offload};

use crate::error::OvnError;
use crate::record::Detail;

/// Makes the pair, with the pod's end as it is to be; the host's end is up.
pub(crate) fn make(
    detail: &Detail,
    mac: Mac,
    mtu: u32,
    netns: &Netns,
    given: &AddResult,
) -> Result<(), OvnError> {
    let (host, ifname) = (Rtnl::here()?, detail.ifname.as_str());
    let pod = host.inside(netns)?;
    if pod.link_by_name(ifname)?.is_some() {
        return Err(OvnError::InterfaceTaken(ifname.to_owned()));
    }
    host.add_veth(&detail.port.name, ifname, netns)?;
    let missing = |name: &str| OvnError::Gone(name.to_owned());
    let outer = host.link_by_name(&detail.port.name)?;
    let outer = outer.ok_or_else(|| missing(&detail.port.name))?;
    let inner = pod.link_by_name(ifname)?.ok_or_else(|| missing(ifname))?;
    offload::compute_checksums(netns, ifname)?;
    let up = LinkChange { mtu: Some(mtu), up: Some(true), ..LinkChange::default() };
    pod.set_link(inner.index, &LinkChange { mac: Some(mac), ..up.clone() })?;
    host.set_link(outer.index, &up)?;
    Ok(podlink::configure(&pod, ifname, given)?)
}

/// Tells the neighbours of the pod's addresses, which another pod may have had. Before the port is bound it would
/// reach nobody.
pub(crate) fn announce(detail: &Detail, netns: &Netns, given: &AddResult) -> Result<(), OvnError> {
    let pod = Rtnl::here()?.inside(netns)?;
    podlink::announce(netns, &pod, &detail.ifname, given);
    Ok(())
}
