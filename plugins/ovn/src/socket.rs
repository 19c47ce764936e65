//! The pod's vhost-user socket: a directory of its own, and what the application is told.

use cni::{AddResult, Request};
use handover::{Application, Directory, Wish};
use hostnet::Host;
use npwg::devinfo::{self, SocketMode};

use crate::conf::{Conf, Socket};
use crate::error::OvnError;
use crate::record::{Detail, SOCKET, SocketDetail};

/// Where the socket goes, and the NUMA node, where that is known.
pub(crate) fn choose(
    host: &Host,
    conf: &Conf,
    socket: &Socket,
    request: &Request,
    name: &str,
) -> Result<(SocketDetail, Option<u32>), OvnError> {
    handover::conf::check_ifname(request.ifname.as_str())?;
    let wish = Wish {
        slot: socket.slot.as_deref(),
        bridge: &conf.bridge,
        shared_dir: None,
        socket_file: SOCKET,
        mount_path: &socket.mount_path,
    };
    let (place, numa) = handover::choose(host, &wish, request, name)?;
    handover::refuse_present(&place)?;
    let rights = socket.access.rights(&host.etc)?;
    let device_info = devinfo::requested(&request.conf).map_err(OvnError::Delegate)?;
    Ok((SocketDetail { place, rights, device_info }, numa))
}

/// What the application is told that is not in the record.
pub(crate) struct Facts<'a> {
    pub(crate) request: &'a Request,
    pub(crate) queues: u16,
    pub(crate) numa: Option<u32>,
    pub(crate) mtu: u32,
    pub(crate) given: &'a AddResult,
}

/// Writes the files beside the socket, and the device information.
pub(crate) fn hand_over(
    directory: &Directory<'_>,
    detail: &Detail,
    socket: &SocketDetail,
    facts: &Facts<'_>,
) -> Result<(), OvnError> {
    let application = Application {
        container_id: facts.request.container_id.as_str(),
        ifname: &detail.ifname,
        network: &facts.request.conf.name,
        // The application listens, so that a switch that restarts finds it again.
        mode: SocketMode::Server,
        socket_path: socket.pod_path(),
        mac: &detail.port.mac,
        mtu: facts.mtu,
        queues: facts.queues,
        numa: facts.numa,
        ips: &facts.given.ips,
        routes: &facts.given.routes,
    };
    application.write(directory)?;
    if let Some(path) = &socket.device_info {
        devinfo::write(path, &handover::device_info(SocketMode::Server, socket.pod_path()))?;
    }
    Ok(())
}
