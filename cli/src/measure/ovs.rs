//! `ovs-dpdk` and `ovs-dpdk-pod`: through a bridge of OVS-DPDK that is made for measuring.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use cni::AddResult;
use hostnet::{Netns, Rtnl};
use ovsdb::vswitch::{NewPort, PortKind, Vlans};
use ovsdb::{Address, Vswitch};
use serde_json::json;

use super::attachments::Attachments;
use super::path::{Ends, Keep, Missing, Outer, Path, PathName};
use super::pod::{Program, Words};

/// The bridge, and what begins the names of its ports.
const BRIDGE: &str = "fpmeasure";
/// Whose they are.
const OWNER: (&str, &str) = ("fastpath-measure", "true");
/// VLANs: of the path without a pod, and of each side of the pod.
const DIRECT: u16 = 1;
const SIDES: [u16; 2] = [2, 3];

const DEADLINE: Duration = Duration::from_secs(10);

/// The switch, with a bridge as long as somebody keeps it.
pub(super) struct Switch {
    address: Address,
    connection: RefCell<Vswitch>,
    host: Rtnl,
}

impl Switch {
    /// Connects to it, and removes what a killed measurement may have left.
    pub(super) fn open(address: &Address) -> Result<Rc<Self>, Missing> {
        let deadline = Instant::now() + DEADLINE;
        let connect = || -> Result<Vswitch, ovsdb::Error> {
            let mut switch = Vswitch::connect(address, deadline)?;
            switch.look(BRIDGE, BRIDGE, deadline)?.takes_ports(
                BRIDGE,
                true,
                &PortKind::VhostUser,
            )?;
            Ok(switch)
        };
        let connection = connect().map_err(|e| {
            Missing(format!("{}; start OVS with other_config:dpdk-init=true", cni::chain(&e)))
        })?;
        let switch =
            Self { address: address.clone(), connection: connection.into(), host: Rtnl::here()? };
        switch.remove_ports()?;
        Ok(Rc::new(switch))
    }

    fn remove_ports(&self) -> Result<(), ovsdb::Error> {
        let deadline = Instant::now() + DEADLINE;
        let mut connection = self.connection.borrow_mut();
        match connection.remove_ports(&[vec![OWNER]], deadline)? {
            Some(change) => connection.await_applied(change, deadline),
            None => Ok(()),
        }
    }

    /// An end plugged into the bridge.
    fn plug(&self, number: u8, vlan: u16) -> Result<Plugged, Missing> {
        let name = format!("{BRIDGE}{number}");
        // Of a killed measurement it may be there for a moment longer.
        self.host.remove_link(&name)?;
        let outer = Outer::plugged(&self.host, &name)?;
        let plugged = Plugged { outer, name: name.clone() };
        let port = NewPort {
            bridge: BRIDGE.to_owned(),
            create_bridge: true,
            name: name.clone(),
            kind: PortKind::System,
            vlans: Vlans { tag: Some(vlan), trunks: Vec::new() },
            mtu: None,
            from_port: None,
            to_port: None,
            mac: plugged.outer.mac.to_string(),
            iface_id: None,
            owner: BTreeMap::from([(OWNER.0.to_owned(), OWNER.1.to_owned())]),
        };
        let deadline = Instant::now() + DEADLINE;
        let mut connection = self.connection.borrow_mut();
        let view = connection.look(BRIDGE, &name, deadline)?;
        connection.add_port(&port, view, deadline)?;
        Ok(plugged)
    }

    /// Ports of the kernel: the switch's main thread serves them.
    fn driver(&self) -> String {
        format!("netdev datapath, ends by AF_PACKET ({})", self.address)
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        if let Err(error) = self.remove_ports() {
            log::error!("the bridge {BRIDGE} is left: {}", cni::chain(&error));
        }
    }
}

impl Keep for Rc<Switch> {}

/// An end whose other side is a port of the bridge.
struct Plugged {
    outer: Outer,
    name: String,
}

impl Keep for Plugged {}

/// Its namespace would take it along, but not at once.
impl Drop for Plugged {
    fn drop(&mut self) {
        if let Err(error) = Rtnl::here().and_then(|host| host.remove_link(&self.name)) {
            log::error!("{}", cni::chain(&error));
        }
    }
}

/// Two ends at the bridge.
pub(super) fn direct(switch: &Rc<Switch>) -> Result<Path, Missing> {
    let (from, to) = (switch.plug(0, DIRECT)?, switch.plug(1, DIRECT)?);
    Ok(Path {
        name: PathName::OvsDpdk,
        driver: switch.driver(),
        numa: None,
        ends: Ends::between(&from.outer, &to.outer)?,
        program: None,
        _keep: vec![Box::new(from), Box::new(to), Box::new(Rc::clone(switch))],
    })
}

/// Two ends in VLANs that only a pod connects, whose ports the vhostuser plugin makes.
pub(super) fn pod(
    switch: &Rc<Switch>,
    plugins: &[PathBuf],
    command: &str,
) -> Result<Path, Missing> {
    let netns = Netns::fresh()?;
    let mut attachments = Attachments::new(plugins, &netns);
    let mut eal = vec!["--no-pci".to_owned()];
    for (ifname, vlan) in ["net1", "net2"].into_iter().zip(SIDES) {
        let conf = json!({
            "type": "vhostuser", "ovsdb": switch.address, "bridge": BRIDGE, "createBridge": true,
            "vlan": vlan,
        });
        eal.push(eal_args(&attachments.add(ifname, conf)?)?);
    }
    let forward = ["--forward-mode=io".to_owned()];
    let program = Program::start(&netns, command, &Words { eal: &eal, forward: &forward })?;
    let (from, to) = (switch.plug(2, SIDES[0])?, switch.plug(3, SIDES[1])?);
    Ok(Path {
        name: PathName::OvsDpdkPod,
        driver: format!("vhost-user, {}", program.name()),
        numa: None,
        ends: Ends::between(&from.outer, &to.outer)?,
        program: Some(program),
        _keep: vec![
            Box::new(from),
            Box::new(to),
            Box::new(attachments),
            Box::new(netns),
            Box::new(Rc::clone(switch)),
        ],
    })
}

/// What the plugin says a DPDK application is started with.
fn eal_args(result: &AddResult) -> Result<String, Missing> {
    let socket = result.interfaces.first().and_then(|interface| interface.socket_path.as_ref());
    let socket = socket.ok_or_else(|| Missing("vhostuser returned no socketPath".to_owned()))?;
    let file = PathBuf::from(socket).with_file_name("eal-args");
    Ok(std::fs::read_to_string(file)?.trim_end().to_owned())
}
