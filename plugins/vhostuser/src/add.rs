//! ADD: parse, validate, lock, record, act, complete.

use std::path::Path;

use attachment::{addresses, ipam_del, lock_new, merge, netns_of, owner_of, record_of, rows};
use cni::{AddResult, Interface, Request, delegate, logging};
use handover::{Application, Place, Wish};
use hostnet::{Mac, Netns, NetnsId, Undo};
use journal::{Durability, Entry, Journal};
use npwg::devinfo;
use ovsdb::Vswitch;
use ovsdb::vswitch::{NewPort, PortKind};

use crate::conf::{Conf, Mode};
use crate::error::VhostError;
use crate::record::{Detail, Done};
use crate::{PREFIX, Vhostuser, restore, switch_deadline};

pub(crate) fn add(plugin: &Vhostuser, request: &Request) -> Result<AddResult, cni::Error> {
    logging::init_of(&request.conf, &owner_of(request).to_string());
    let conf = Conf::of_request(request).map_err(VhostError::from)?;
    conf.warnings.iter().for_each(|warning| log::warn!("{warning}"));
    Ok(attach(plugin, request, &conf)?)
}

fn attach(plugin: &Vhostuser, request: &Request, conf: &Conf) -> Result<AddResult, VhostError> {
    handover::conf::check_ifname(request.ifname.as_str())?;
    delegate::ipam_exists(request).map_err(VhostError::Delegate)?;
    let netns = Netns::open(netns_of(request)?)?.id()?;
    let journal = plugin.journal()?;
    let owner = owner_of(request);

    let _owner_lock = lock_new(&journal, &plugin.locks, &owner)?;
    let name = rows::port_name(PREFIX, &owner);
    let (place, numa) = handover::choose(&plugin.host, &wish(conf), request, &name)?;
    let _slot_lock = handover::take_slot(&plugin.host, &plugin.locks, &place)?;
    handover::refuse_present(&place)?;
    let detail = detail(plugin, request, conf, &journal, place, netns)?;
    let mut switch = Vswitch::connect(&detail.ovsdb, switch_deadline())?;
    let view = switch.look(&detail.port.bridge, &detail.port.name, switch_deadline())?;
    view.admits(&detail.port)?;

    let claim = detail.place.claim(&detail.port.name);
    let entry = Entry { claim: Some(claim), owner: owner.clone() };
    let record = record_of(&journal, request, detail.clone());
    journal.write(&entry, &record, Durability::Durable)?;
    let mut undo = Undo::new(|| journal.remove(&entry).map_err(|e| cni::chain(&e)));
    let directory = handover::make(&detail.place, &detail.rights)?;
    undo.push("remove the directory", || {
        handover::remove(&detail.place).map_err(|e| cni::chain(&e))
    });
    undo.push("remove the port", || {
        restore::ports(&detail.ovsdb, &[rows::rows_of(&owner)]).map_err(|e| cni::chain(&e))
    });
    let interface = switch.add_port(&detail.port, view.clone(), switch_deadline())?;
    if detail.port.kind == PortKind::VhostUser {
        directory.link_socket(&detail.switch_socket(&view), &detail.socket_file)?;
    }
    if detail.ipam {
        undo.push("release the addresses", || ipam_del(request).map_err(|e| cni::chain(&e)));
    }
    let mtu = interface.current_mtu().or(detail.port.mtu).unwrap_or(1500);
    let (result, ours) = result(request, conf, &detail, mtu)?;
    let application = Application {
        container_id: &owner.container_id,
        ifname: &owner.ifname,
        network: &request.conf.name,
        mode: detail.socket_mode(),
        socket_path: detail.pod_socket().display().to_string(),
        mac: &detail.port.mac,
        mtu,
        queues: conf.queues,
        numa,
        ips: &ours.ips,
        routes: &ours.routes,
    };
    application.write(&directory)?;
    if let Some(path) = &detail.device_info {
        undo.push("remove the device-info file", || {
            devinfo::remove(path).map_err(|e| cni::chain(&e))
        });
        let info = handover::device_info(application.mode, application.socket_path.clone());
        devinfo::write(path, &info)?;
    }
    journal.append(&entry, &Done { result: result.clone() })?;
    undo.commit();
    Ok(result)
}

fn wish(conf: &Conf) -> Wish<'_> {
    Wish {
        slot: conf.slot.as_deref(),
        bridge: &conf.bridge,
        shared_dir: conf.shared_dir.as_deref(),
        socket_file: &conf.socket_file,
        mount_path: &conf.mount_path,
    }
}

/// What is going to be done.
fn detail(
    plugin: &Vhostuser,
    request: &Request,
    conf: &Conf,
    journal: &Journal,
    place: Place,
    netns: NetnsId,
) -> Result<Detail, VhostError> {
    let owner = owner_of(request);
    let mac = conf.mac.unwrap_or_else(|| Mac(rows::mac(&owner, journal.boot_id())));
    let socket = place.switch_dir().join(&conf.socket_file);
    let port = NewPort {
        bridge: conf.bridge.clone(),
        create_bridge: conf.create_bridge,
        name: rows::port_name(PREFIX, &owner),
        kind: match conf.mode {
            Mode::Client => PortKind::VhostUserClient { socket },
            Mode::Server => PortKind::VhostUser,
        },
        vlans: conf.vlans.clone(),
        mtu: conf.mtu,
        from_port: conf.egress,
        to_port: conf.ingress,
        mac: mac.to_string(),
        iface_id: None,
        owner: rows::external_ids(request, &owner, journal.boot_id()),
    };
    Ok(Detail {
        ovsdb: conf.ovsdb.clone(),
        port,
        place,
        socket_file: conf.socket_file.clone(),
        rights: conf.access.rights(&plugin.host.etc)?,
        netns,
        device_info: devinfo::requested(&request.conf).map_err(VhostError::Delegate)?,
        ipam: request.conf.ipam.is_some(),
    })
}

/// The result, and the part of it that is this attachment's own.
fn result(
    request: &Request,
    conf: &Conf,
    detail: &Detail,
    mtu: u32,
) -> Result<(AddResult, AddResult), VhostError> {
    let mut result = request.conf.prev_result.clone().unwrap_or_default();
    let position = result.interfaces.len();
    result.interfaces.push(Interface {
        name: request.ifname.to_string(),
        mac: Some(detail.port.mac.clone()),
        mtu: Some(mtu),
        sandbox: request.netns.as_deref().and_then(Path::to_str).map(str::to_owned),
        socket_path: Some(detail.place.dir().join(&detail.socket_file).display().to_string()),
        pci_id: None,
    });
    let mut ours = addresses(request, &conf.ips).map_err(VhostError::Delegate)?;
    merge(&mut result, position, &ours);
    ours.ips.iter_mut().for_each(|ip| ip.interface = None);
    Ok((result, ours))
}
