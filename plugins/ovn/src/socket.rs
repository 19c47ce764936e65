//! The pod's vhost-user socket: a directory of its own, and what the application is told.

use cni::{AddResult, Request};
use handover::{Application, Wish};
use journal::Lock;
use npwg::devinfo::{self, SocketMode};

use crate::Ovn;
use crate::conf::{Conf, Socket};
use crate::error::OvnError;
use crate::record::{Detail, SOCKET, SocketDetail};

/// Where a socket goes.
pub(crate) struct Chosen {
    /// What the record holds of it.
    pub(crate) socket: SocketDetail,
    queues: u16,
    /// NUMA node, where that is known.
    numa: Option<u32>,
    /// Of its slot.
    _lock: Option<Lock>,
}

/// Chooses the place; one that is a slot is locked, and belongs to nobody else.
pub(crate) fn choose(
    plugin: &Ovn,
    conf: &Conf,
    socket: &Socket,
    request: &Request,
    name: &str,
) -> Result<Chosen, OvnError> {
    handover::conf::check_ifname(request.ifname.as_str())?;
    let wish = Wish {
        slot: socket.slot.as_deref(),
        bridge: &conf.bridge,
        shared_dir: None,
        socket_file: SOCKET,
        mount_path: &socket.mount_path,
    };
    let (place, numa) = handover::choose(&plugin.host, &wish, request, name)?;
    let lock = handover::take_slot(&plugin.host, &plugin.locks, &place)?;
    handover::refuse_present(&place)?;
    let rights = socket.access.rights(&plugin.host.etc)?;
    let device_info = devinfo::requested(&request.conf).map_err(OvnError::Delegate)?;
    let detail = SocketDetail { place, rights, device_info };
    Ok(Chosen { socket: detail, queues: socket.queues, numa, _lock: lock })
}

/// Makes the directory with the files beside the socket, and the device information.
pub(crate) fn make(
    chosen: &Chosen,
    request: &Request,
    detail: &Detail,
    mtu: u32,
    given: &AddResult,
) -> Result<(), OvnError> {
    let socket = &chosen.socket;
    let directory = handover::make(&socket.place, &socket.rights)?;
    let application = Application {
        container_id: request.container_id.as_str(),
        ifname: &detail.ifname,
        network: &request.conf.name,
        // The application listens, so that a switch that restarts finds it again.
        mode: SocketMode::Server,
        socket_path: socket.pod_path(),
        mac: &detail.port.mac,
        mtu,
        queues: chosen.queues,
        numa: chosen.numa,
        ips: &given.ips,
        routes: &given.routes,
    };
    application.write(&directory)?;
    if let Some(path) = &socket.device_info {
        devinfo::write(path, &handover::device_info(SocketMode::Server, socket.pod_path()))?;
    }
    Ok(())
}
