//! CHECK: what is, compared with what was recorded.

use attachment::{netns_of, no_drift, owner_of, recorded, rows};
use cni::{AddResult, Request, delegate, logging};
use hostnet::{Netns, Rtnl};
use journal::Owner;
use ovsdb::Vswitch;

use crate::error::OvnError;
use crate::record::{Detail, Done, SOCKET};
use crate::{Ovn, deadline, overlay};

pub(crate) fn check(plugin: &Ovn, request: &Request) -> Result<(), cni::Error> {
    logging::init_of(&request.conf, &owner_of(request).to_string());
    compare(plugin, request)?;
    delegate::ipam_check(request)
}

fn compare(plugin: &Ovn, request: &Request) -> Result<(), OvnError> {
    let owner = owner_of(request);
    let (record, done) = recorded::<Detail, Done>(&plugin.journal()?, &owner)?;
    let detail = &record.detail;
    let mut drift = overlay_side(detail, &owner)?;
    drift.extend(switch_side(detail, &owner)?);
    if let Some(socket) = &detail.socket {
        let path = socket.place.dir().join(SOCKET);
        drift.extend(handover::directory_drift(&socket.place, &socket.rights)?);
        drift.extend(handover::socket_drift(&path, &socket.rights, None)?);
    } else {
        let netns = Netns::open(netns_of(request)?)?;
        let result = request.conf.prev_result.as_ref().unwrap_or(&done.result);
        drift.extend(pod_side(detail, &done, result, &netns)?);
    }
    Ok(no_drift(&drift)?)
}

fn overlay_side(detail: &Detail, owner: &Owner) -> Result<Vec<String>, OvnError> {
    let logical = &detail.logical;
    let mut nb = overlay::connect(&detail.nb, deadline())?;
    let view = nb.look(&logical.switch, &logical.name, deadline())?;
    let Some(port) = &view.port else {
        return Ok(vec![format!("there is no logical port {}", logical.name)]);
    };
    let mut drift = Vec::new();
    if !view.switches.iter().any(|switch| switch.ports.0.contains(&port.uuid)) {
        drift.push(format!("{} is not on logical switch {}", logical.name, logical.switch));
    }
    if rows::of_row(&port.external_ids.0).as_ref() != Some(owner) {
        drift.push(format!("logical port {} belongs to another", logical.name));
    }
    if port.up.0 != Some(true) {
        drift.push(format!("logical port {} is not bound by a chassis", logical.name));
    }
    Ok(drift)
}

fn switch_side(detail: &Detail, owner: &Owner) -> Result<Vec<String>, OvnError> {
    let wanted = &detail.port;
    let mut switch = Vswitch::connect(&detail.ovsdb, deadline())?;
    let view = switch.look(&wanted.bridge, &wanted.name, deadline())?;
    let (Some(port), Some(interface)) = (&view.port, &view.interface) else {
        return Ok(vec![format!("there is no port {}", wanted.name)]);
    };
    let mut drift = Vec::new();
    if !view.bridge.as_ref().is_some_and(|bridge| bridge.ports.0.contains(&port.uuid)) {
        drift.push(format!("port {} is not on bridge {}", wanted.name, wanted.bridge));
    }
    if rows::of_row(&port.external_ids.0).as_ref() != Some(owner) {
        drift.push(format!("port {} belongs to another", wanted.name));
    }
    if interface.external_ids.get("iface-id") != wanted.iface_id.as_deref() {
        drift.push(format!("port {} is the end of another logical port", wanted.name));
    }
    if let Some(error) = &interface.error.0 {
        drift.push(format!("{} does not work: {error}", wanted.name));
    }
    Ok(drift)
}

fn pod_side(
    detail: &Detail,
    done: &Done,
    result: &AddResult,
    netns: &Netns,
) -> Result<Vec<String>, OvnError> {
    let pod = Rtnl::here()?.inside(netns)?;
    match pod.link_by_name(&detail.ifname)? {
        None => Ok(vec![format!("{} is not in the pod", detail.ifname)]),
        Some(link) => Ok(podlink::drift(result, &done.routes, &link, &pod)?),
    }
}
