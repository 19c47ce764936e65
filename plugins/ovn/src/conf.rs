//! What users write, parsed into typed values. Nothing here touches the host.

use std::collections::BTreeMap;
use std::path::PathBuf;

use attachment::{ConfError, invalid};
use cni::{IfName, NetConf, Request, Route};
use handover::Access;
use handover::conf::{DEFAULT_MOUNT_PATH, RawAccess, plain_path, queues, slot, unicast_mac};
use hostnet::Mac;
use ipnetwork::IpNetwork;
use ovsdb::Address;
use ovsdb::northbound::{Dhcp, Limits, NewSwitch};
use serde::{Deserialize, Serialize};

/// Keys this plugin knows, in the spelling of the documentation.
const KEYS: &[&str] = &[
    "nb",
    "tls",
    "ovsdb",
    "integrationBridge",
    "interfaceType",
    "queues",
    "deviceID",
    "socketDir",
    "mountPath",
    "switch",
    "createSwitch",
    "mac",
    "ips",
    "dynamic",
    "routes",
    "portSecurity",
    "dhcp",
    "ingress",
    "egress",
    "mtu",
    "logLevel",
    "logFile",
];

const DEFAULT_NB: &str = "unix:/var/run/ovn/ovnnb_db.sock";
const DEFAULT_OVSDB: &str = "unix:/var/run/openvswitch/db.sock";
const DEFAULT_BRIDGE: &str = "br-int";
/// Smallest MTU of an IPv4 link (RFC 791), largest of any.
const MTU_RANGE: std::ops::RangeInclusive<u32> = 68..=65_535;
/// Of a logical switch's name; a match of OVN has it in quotes.
const MAX_NAME: usize = 128;

/// The northbound database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Database {
    /// Its servers.
    pub servers: Vec<Address>,
    /// Who we are to servers that are reached by TLS.
    pub tls: Option<TlsFiles>,
}

/// Files of PEM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// Our private key.
    pub key: PathBuf,
    /// Our certificate.
    pub certificate: PathBuf,
    /// Authority of the servers.
    pub authority: PathBuf,
}

/// What the pod gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// An interface of the kernel.
    Veth,
    /// A vhost-user socket; the integration bridge is one of the datapath in user space.
    VhostUser(Socket),
}

/// A vhost-user socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Socket {
    /// Queue pairs.
    pub queues: u16,
    /// Slot that the device plugin handed out.
    pub slot: Option<String>,
    /// Whose its directory is.
    pub access: Access,
    /// Where the pod mounts its volume `shared-dir`.
    pub mount_path: PathBuf,
}

/// A validated configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conf {
    /// The northbound database.
    pub nb: Database,
    /// Database of the chassis' switch.
    pub ovsdb: Address,
    /// Integration bridge.
    pub bridge: String,
    /// What the pod gets.
    pub kind: Kind,
    /// Logical switch.
    pub switch: String,
    /// How it is made where it is missing.
    pub create_switch: Option<NewSwitch>,
    /// MAC of the interface.
    pub mac: Option<Mac>,
    /// Its addresses, where they are given.
    pub ips: Vec<IpNetwork>,
    /// `ovn-northd` gives the address.
    pub dynamic: bool,
    /// Routes of the pod by the interface, beside those of IPAM.
    pub routes: Vec<Route>,
    /// It may send from its addresses only.
    pub port_security: bool,
    /// What DHCP requests are answered with.
    pub dhcp: Option<Dhcp>,
    /// Rate limits.
    pub limits: Limits,
    /// Bytes; from the tunnel's where it is not given.
    pub mtu: Option<u32>,
    /// Remarks for the log.
    pub warnings: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Raw {
    nb: Servers,
    tls: Option<TlsFiles>,
    ovsdb: Option<String>,
    integration_bridge: Option<String>,
    interface_type: Option<String>,
    queues: Option<i64>,
    #[serde(rename = "deviceID")]
    device_id: Option<String>,
    socket_dir: RawAccess,
    mount_path: Option<PathBuf>,
    switch: Option<String>,
    create_switch: Option<RawSwitch>,
    mac: Option<String>,
    ips: Vec<IpNetwork>,
    dynamic: bool,
    routes: Vec<Route>,
    port_security: bool,
    dhcp: Option<RawDhcp>,
    ingress: RawRate,
    egress: RawRate,
    mtu: Option<i64>,
}

impl Default for Raw {
    fn default() -> Self {
        Self {
            nb: Servers::Several(Vec::new()),
            tls: None,
            ovsdb: None,
            integration_bridge: None,
            interface_type: None,
            queues: None,
            device_id: None,
            socket_dir: RawAccess::default(),
            mount_path: None,
            switch: None,
            create_switch: None,
            mac: None,
            ips: Vec::new(),
            dynamic: false,
            routes: Vec::new(),
            port_security: true,
            dhcp: None,
            ingress: RawRate::default(),
            egress: RawRate::default(),
            mtu: None,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Servers {
    One(String),
    Several(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RawSwitch {
    subnet: IpNetwork,
    exclude_ips: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDhcp {
    cidr: IpNetwork,
    #[serde(default)]
    options: BTreeMap<String, String>,
}

/// In bits per second, and bits.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawRate {
    rate: u64,
    burst: u64,
}

impl Conf {
    /// The configuration of an ADD: with what the runtime adds to the network's own keys.
    ///
    /// # Errors
    /// A key with a value it cannot have; the error names both.
    pub fn of_request(request: &Request) -> Result<Self, ConfError> {
        Self::parse(&request.conf, request.arg("MAC"))
    }

    /// The configuration alone, as STATUS and GC see it.
    ///
    /// # Errors
    /// As [`Conf::of_request`].
    pub fn of_network(conf: &NetConf) -> Result<Self, ConfError> {
        Self::parse(conf, None)
    }

    fn parse(conf: &NetConf, mac_argument: Option<String>) -> Result<Self, ConfError> {
        let raw: Raw = conf.plugin_fields(KEYS).map_err(ConfError::Fields)?;
        let unknown = conf.unknown_keys(KEYS);
        let warnings = unknown.iter().map(|k| format!("unknown key {k:?} is ignored")).collect();
        let given = |value: Option<String>| value.filter(|v| !v.is_empty());
        let asked_mac: Option<String> = conf.runtime_config("mac").map_err(ConfError::Fields)?;
        let mac = given(asked_mac).or(given(mac_argument)).or(given(raw.mac));
        let asked_ips: Option<Vec<IpNetwork>> =
            conf.runtime_config("ips").map_err(ConfError::Fields)?;
        let ips = asked_ips.filter(|ips| !ips.is_empty()).unwrap_or(raw.ips);
        let device: Option<String> = conf.runtime_config("deviceID").map_err(ConfError::Fields)?;
        let socket = Socket {
            queues: queues(raw.queues)?,
            slot: given(device).or(given(raw.device_id)).map(slot).transpose()?,
            access: raw.socket_dir.read(None)?,
            mount_path: plain_path(
                "mountPath",
                raw.mount_path.unwrap_or(DEFAULT_MOUNT_PATH.into()),
            )?,
        };
        Ok(Self {
            nb: Database { servers: servers(raw.nb)?, tls: raw.tls },
            ovsdb: address("ovsdb", given(raw.ovsdb).unwrap_or(DEFAULT_OVSDB.to_owned()))?,
            bridge: bridge(given(raw.integration_bridge))?,
            kind: match given(raw.interface_type).as_deref() {
                None | Some("veth") => Kind::Veth,
                Some("vhostuser") => Kind::VhostUser(socket),
                Some(other) => return Err(invalid("interfaceType", other, "veth or vhostuser")),
            },
            switch: switch(given(raw.switch))?,
            create_switch: raw.create_switch.map(RawSwitch::read).transpose()?,
            mac: mac.as_deref().map(unicast_mac).transpose()?,
            // What the pod asks for goes before what would be given.
            dynamic: raw.dynamic && ips.is_empty(),
            ips,
            routes: raw.routes,
            port_security: raw.port_security,
            dhcp: raw.dhcp.map(RawDhcp::read).transpose()?,
            limits: Limits {
                to_port: limit("ingress", raw.ingress)?,
                from_port: limit("egress", raw.egress)?,
            },
            mtu: raw.mtu.map(mtu).transpose()?,
            warnings,
        })
    }
}

fn servers(raw: Servers) -> Result<Vec<Address>, ConfError> {
    // OVN writes several as one text, with commas.
    let texts: Vec<String> = match raw {
        Servers::One(text) => text.split(',').map(|part| part.trim().to_owned()).collect(),
        Servers::Several(texts) if texts.is_empty() => vec![DEFAULT_NB.to_owned()],
        Servers::Several(texts) => texts,
    };
    texts.into_iter().map(|text| address("nb", text)).collect()
}

fn address(key: &'static str, text: String) -> Result<Address, ConfError> {
    text.parse().map_err(|_e| invalid(key, text, "unix:/path, tcp:host:port or ssl:host:port"))
}

fn bridge(name: Option<String>) -> Result<String, ConfError> {
    let name = name.unwrap_or_else(|| DEFAULT_BRIDGE.to_owned());
    if name.parse::<IfName>().is_ok() {
        return Ok(name);
    }
    Err(invalid("integrationBridge", name, "a name of 1 to 15 bytes without / : and space"))
}

fn switch(name: Option<String>) -> Result<String, ConfError> {
    let name = name.ok_or(ConfError::Keys("no logical switch is named: give \"switch\""))?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if name.len() <= MAX_NAME && name.chars().all(plain) {
        return Ok(name);
    }
    Err(invalid("switch", name, "up to 128 letters, digits, _ . and -"))
}

impl RawSwitch {
    fn read(self) -> Result<NewSwitch, ConfError> {
        let Self { subnet, exclude_ips } = self;
        if !subnet.is_ipv4() || subnet.network() != subnet.ip() {
            let want = "an IPv4 network, such as 10.0.0.0/24";
            return Err(invalid("createSwitch.subnet", subnet, want));
        }
        let plain = |c: char| c.is_ascii_digit() || ". ".contains(c);
        if let Some(ips) = exclude_ips.as_ref().filter(|ips| !ips.chars().all(plain)) {
            let want = "addresses and ranges, such as 10.0.0.2..10.0.0.9 10.0.0.20";
            return Err(invalid("createSwitch.excludeIps", ips, want));
        }
        Ok(NewSwitch { subnet: subnet.to_string(), exclude_ips })
    }
}

impl RawDhcp {
    fn read(self) -> Result<Dhcp, ConfError> {
        let Self { cidr, options } = self;
        if !cidr.is_ipv4() {
            return Err(invalid("dhcp.cidr", cidr, "an IPv4 network, such as 10.0.0.0/24"));
        }
        Ok(Dhcp { cidr: cidr.to_string(), options })
    }
}

fn mtu(value: i64) -> Result<u32, ConfError> {
    let mtu = u32::try_from(value).ok().filter(|v| MTU_RANGE.contains(v));
    mtu.ok_or_else(|| invalid("mtu", value, "68 to 65535 bytes"))
}

/// OVN counts in kbit/s, and takes 32 bits of them.
fn limit(key: &'static str, raw: RawRate) -> Result<Option<(u64, u64)>, ConfError> {
    let RawRate { rate, burst } = raw;
    let most = u64::from(u32::MAX);
    match (rate, burst) {
        (0, 0) => Ok(None),
        (0, _) => Err(invalid(key, burst, "a rate beside the burst")),
        _ if !(1000..=most * 1000).contains(&rate) || burst / 1000 > most => {
            Err(invalid(key, rate, "1000 bit/s or more"))
        }
        _ => Ok(Some((rate / 1000, (if burst == 0 { rate / 10 } else { burst }).div_ceil(1000)))),
    }
}

#[cfg(test)]
#[path = "conf_tests.rs"]
mod tests;
