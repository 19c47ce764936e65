//! CHECK: what is, compared with what was recorded.

use attachment::{no_drift, owner_of, recorded, rows};
use cni::{Request, delegate, logging};
use ovsdb::Vswitch;
use ovsdb::vswitch::{Interface, LinkReport, Port, PortKind, View};

use crate::error::VhostError;
use crate::record::{Detail, Done};
use crate::{Vhostuser, switch_deadline};

pub(crate) fn check(plugin: &Vhostuser, request: &Request) -> Result<(), cni::Error> {
    logging::init_of(&request.conf, &owner_of(request).to_string());
    compare(plugin, request)?;
    delegate::ipam_check(request)
}

fn compare(plugin: &Vhostuser, request: &Request) -> Result<(), VhostError> {
    let owner = owner_of(request);
    let (record, _) = recorded::<Detail, Done>(&plugin.journal()?, &owner)?;
    let detail = &record.detail;
    let mut switch = Vswitch::connect(&detail.ovsdb, switch_deadline())?;
    let view = switch.look(&detail.port.bridge, &detail.port.name, switch_deadline())?;
    let mut drift = switch_side(detail, &view, &owner);
    drift.extend(handover::directory_drift(&detail.place, &detail.rights)?);
    drift.extend(socket(detail, &view)?);
    Ok(no_drift(&drift)?)
}

fn switch_side(detail: &Detail, view: &View, owner: &journal::Owner) -> Vec<String> {
    let name = &detail.port.name;
    let (Some(port), Some(interface)) = (&view.port, &view.interface) else {
        return vec![format!("there is no port {name}")];
    };
    let mut drift = Vec::new();
    let bridge = &detail.port.bridge;
    if !view.bridge.as_ref().is_some_and(|bridge| bridge.ports.0.contains(&port.uuid)) {
        drift.push(format!("port {name} is not on bridge {bridge}"));
    }
    if rows::of_row(&port.external_ids.0).as_ref() != Some(owner) {
        drift.push(format!("port {name} belongs to another"));
    }
    drift.extend(vlans(detail, port));
    drift.extend(self::interface(detail, interface));
    drift
}

fn vlans(detail: &Detail, port: &Port) -> Option<String> {
    let wanted = &detail.port.vlans;
    let mut trunks = port.trunks.0.clone();
    trunks.sort_unstable();
    let same = port.tag.0 == wanted.tag
        && trunks == wanted.trunks
        && port.vlan_mode.0.as_deref() == wanted.mode();
    let has = || format!("tag {:?}, trunks {trunks:?}, mode {:?}", port.tag.0, port.vlan_mode.0);
    (!same).then(|| format!("port {} has other VLANs: {}", port.name, has()))
}

fn interface(detail: &Detail, interface: &Interface) -> Vec<String> {
    let port = &detail.port;
    let name = &interface.name;
    let mut drift = Vec::new();
    if interface.kind != port.kind.type_name() {
        drift.push(format!("{name} has type {}", interface.kind));
    }
    if let PortKind::VhostUserClient { socket } = &port.kind {
        let path = interface.options.get("vhost-server-path");
        if path != socket.to_str() {
            drift.push(format!("{name} connects to {}", path.unwrap_or("nothing")));
        }
    }
    if let Some(error) = &interface.error.0 {
        drift.push(format!("{name} does not work: {error}"));
    }
    if interface.mtu_request.0 != port.mtu.map(i64::from) {
        drift.push(format!(
            "{name} is asked for MTU {}",
            interface.mtu_request.0.unwrap_or_default()
        ));
    }
    if let (Some(wanted), Some(mtu)) = (port.mtu, interface.current_mtu())
        && wanted != mtu
    {
        drift.push(format!("{name} has MTU {mtu}"));
    }
    // The application may be restarting.
    let link = LinkReport::of(interface);
    if link.is_silent_failure() {
        log::warn!(
            "{name}: an application is connected and the link is down; ovs-vswitchd.log may say why"
        );
    } else if !link.up {
        log::warn!("{name}: the link is down, the socket is {}", link.socket);
    }
    drift
}

/// The application may not have made its socket yet; the switch has.
fn socket(detail: &Detail, view: &View) -> Result<Option<String>, VhostError> {
    let path = detail.place.dir().join(&detail.socket_file);
    let switchs = detail.switch_socket(view);
    let listening = (detail.port.kind == PortKind::VhostUser).then_some(switchs.as_path());
    Ok(handover::socket_drift(&path, &detail.rights, listening)?)
}
