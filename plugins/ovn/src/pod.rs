//! The pod's interface: one end of a pair, whose other end is a port of the integration bridge.

use std::path::Path;

use cni::AddResult;
use hostnet::{LinkChange, Mac, Netns, Rtnl, announce, offload};

use crate::error::OvnError;
use crate::record::Detail;

/// A pair; the host's end is up, and can be plugged in.
pub(crate) struct Pair<'a> {
    netns: &'a Netns,
    pod: Rtnl,
    /// Of the pod's end.
    ifname: &'a str,
    index: u32,
}

/// Makes the pair.
pub(crate) fn make<'a>(
    detail: &'a Detail,
    host: &Rtnl,
    netns: &'a Netns,
    mtu: u32,
) -> Result<Pair<'a>, OvnError> {
    let (name, ifname) = (detail.port.name.as_str(), detail.ifname.as_str());
    let pod = host.inside(netns)?;
    if pod.link_by_name(ifname)?.is_some() {
        return Err(OvnError::InterfaceTaken(ifname.to_owned()));
    }
    host.add_veth(name, ifname, netns)?;
    let missing = |name: &str| OvnError::Gone(name.to_owned());
    let outer = host.link_by_name(name)?.ok_or_else(|| missing(name))?;
    let index = pod.link_by_name(ifname)?.ok_or_else(|| missing(ifname))?.index;
    let up = LinkChange { mtu: Some(mtu), up: Some(true), ..LinkChange::default() };
    host.set_link(outer.index, &up)?;
    Ok(Pair { netns, pod, ifname, index })
}

impl Pair<'_> {
    /// Makes the pod's end as it is to be.
    pub(crate) fn configure(&self, mac: Mac, mtu: u32, given: &AddResult) -> Result<(), OvnError> {
        offload::compute_checksums(self.netns, self.ifname)?;
        let change =
            LinkChange { mac: Some(mac), mtu: Some(mtu), up: Some(true), ..LinkChange::default() };
        self.pod.set_link(self.index, &change)?;
        Ok(podlink::configure(&self.pod, self.ifname, given)?)
    }

    /// Tells the neighbours of the pod's addresses, which another pod may have had. Before the chassis has its flows
    /// it would reach nobody. Nobody fails for it: neighbours find the address a little later without it.
    pub(crate) fn announce(&self, proc: &Path, mac: Mac) {
        let again = LinkChange { mac: Some(mac), ..LinkChange::default() };
        let announced = announce::when_mac_is_set(proc, self.netns, self.ifname)
            .and_then(|()| self.pod.set_link(self.index, &again));
        if let Err(error) = announced {
            log::warn!("announce the addresses of {}: {}", self.ifname, cni::chain(&error));
        }
    }
}
