//! What users write, parsed into typed values. Nothing here touches the host.

use std::path::PathBuf;

use attachment::{ConfError, invalid};
use cni::{IfName, NetConf, Request};
use handover::Access;
use handover::conf::{DEFAULT_MOUNT_PATH, RawAccess, plain_path, queues, slot, unicast_mac};
use hostnet::Mac;
use ipnetwork::IpNetwork;
use ovsdb::Address;
use ovsdb::vswitch::{Rate, Vlans};
use serde::Deserialize;

use crate::userspace;

/// Keys this plugin knows, in the spelling of the documentation.
const KEYS: &[&str] = &[
    "ovsdb",
    "bridge",
    "createBridge",
    "mode",
    "vlan",
    "trunks",
    "mac",
    "mtu",
    "queues",
    "ingress",
    "egress",
    "deviceID",
    "pciBusID",
    "socketDir",
    "mountPath",
    "logLevel",
    "logFile",
];

const NO_BRIDGE: &str = "no bridge is named: give \"bridge\", the OVS bridge to plug the port into";
const DEFAULT_OVSDB: &str = "unix:/var/run/openvswitch/db.sock";
/// Smallest MTU of an IPv4 link (RFC 791), largest that DPDK takes (`RTE_ETHER_MAX_JUMBO_FRAME_LEN`
/// less the header).
const MTU_RANGE: std::ops::RangeInclusive<u32> = 68..=9702;

/// Who listens on the socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The application does, and the switch connects: survives a restart of either.
    Client,
    /// The switch does, and the application connects.
    Server,
}

/// A validated configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conf {
    /// Database of the switch.
    pub ovsdb: Address,
    /// Bridge.
    pub bridge: String,
    /// Make the bridge where it is missing.
    pub create_bridge: bool,
    /// Who listens.
    pub mode: Mode,
    /// VLANs of the port.
    pub vlans: Vlans,
    /// MAC of the application.
    pub mac: Option<Mac>,
    /// Bytes.
    pub mtu: Option<u32>,
    /// Queue pairs.
    pub queues: u16,
    /// Limit of what the pod receives.
    pub ingress: Option<Rate>,
    /// Limit of what the pod sends.
    pub egress: Option<Rate>,
    /// Addresses the pod asked for.
    pub ips: Vec<IpNetwork>,
    /// Slot that the device plugin handed out.
    pub slot: Option<String>,
    /// Whose the directory is.
    pub access: Access,
    /// Name of the socket in it.
    pub socket_file: String,
    /// Where stand-alone attachments have their directories, instead of `/run/fastpath/vhostuser`.
    pub shared_dir: Option<PathBuf>,
    /// Where the pod mounts its volume `shared-dir`.
    pub mount_path: PathBuf,
    /// Remarks for the log: unknown keys, options without effect.
    pub warnings: Vec<String>,
}

/// The configuration as JSON has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Raw {
    ovsdb: Option<String>,
    bridge: Option<String>,
    create_bridge: bool,
    mode: Option<String>,
    vlan: Option<i64>,
    trunks: Vec<Trunk>,
    mac: Option<String>,
    mtu: Option<i64>,
    queues: Option<i64>,
    ingress: Option<RawRate>,
    egress: Option<RawRate>,
    #[serde(rename = "deviceID")]
    device_id: Option<String>,
    socket_dir: RawAccess,
    mount_path: Option<PathBuf>,
}

/// A VLAN, or a range of them as ovs-cni writes it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Trunk {
    Id(i64),
    One {
        id: i64,
    },
    Range {
        #[serde(rename = "minID")]
        min: i64,
        #[serde(rename = "maxID")]
        max: i64,
    },
}

/// In bits per second, and bits.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawRate {
    rate: u64,
    burst: u64,
}

/// `runtimeConfig.bandwidth`, as the pod's annotation has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Bandwidth {
    ingress_rate: u64,
    ingress_burst: u64,
    egress_rate: u64,
    egress_burst: u64,
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
        let dialect = userspace::Dialect::of(conf)?;
        let known = [KEYS, userspace::KEYS].concat();
        let mut warnings: Vec<String> = conf
            .unknown_keys(&known)
            .iter()
            .map(|k| format!("unknown key {k:?} is ignored"))
            .collect();
        warnings.extend(dialect.warnings);
        let given = |value: Option<String>| value.filter(|v| !v.is_empty());
        let runtime =
            |key| conf.runtime_config::<String>(key).map(given).map_err(ConfError::Fields);
        let mac = runtime("mac")?.or(given(mac_argument)).or(given(raw.mac));
        let bandwidth: Bandwidth =
            conf.runtime_config("bandwidth").map_err(ConfError::Fields)?.unwrap_or_default();
        let mtu = raw.mtu.map(mtu).transpose()?;
        let limit =
            |key, asked, own: Option<RawRate>| limit(key, asked, own.unwrap_or_default(), mtu);
        let asked = |rate, burst| RawRate { rate, burst };
        Ok(Self {
            ovsdb: ovsdb(given(raw.ovsdb))?,
            bridge: bridge(given(raw.bridge).or(dialect.bridge))?,
            create_bridge: raw.create_bridge,
            mode: mode(given(raw.mode).as_deref())?.or(dialect.mode).unwrap_or(Mode::Client),
            vlans: Vlans { tag: vlan(raw.vlan.or(dialect.vlan))?, trunks: trunks(&raw.trunks)? },
            mac: mac.as_deref().map(unicast_mac).transpose()?,
            mtu,
            queues: queues(raw.queues)?,
            ingress: limit(
                "ingress",
                asked(bandwidth.ingress_rate, bandwidth.ingress_burst),
                raw.ingress,
            )?,
            egress: limit(
                "egress",
                asked(bandwidth.egress_rate, bandwidth.egress_burst),
                raw.egress,
            )?,
            ips: conf.runtime_config("ips").map_err(ConfError::Fields)?.unwrap_or_default(),
            slot: runtime("deviceID")?.or(given(raw.device_id)).map(slot).transpose()?,
            access: raw.socket_dir.read(dialect.group)?,
            socket_file: dialect.socket_file.unwrap_or_else(|| "vhost.sock".to_owned()),
            shared_dir: dialect.shared_dir,
            mount_path: plain_path(
                "mountPath",
                raw.mount_path.unwrap_or(DEFAULT_MOUNT_PATH.into()),
            )?,
            warnings,
        })
    }
}

fn ovsdb(text: Option<String>) -> Result<Address, ConfError> {
    let text = text.unwrap_or_else(|| DEFAULT_OVSDB.to_owned());
    text.parse().map_err(|_e| {
        invalid("ovsdb", text, "an address such as unix:/var/run/openvswitch/db.sock")
    })
}

/// The bridge has an interface of its name, so it is an interface's name.
fn bridge(name: Option<String>) -> Result<String, ConfError> {
    let name = name.ok_or(ConfError::Keys(NO_BRIDGE))?;
    match name.parse::<IfName>() {
        Ok(_) => Ok(name),
        Err(_) => Err(invalid("bridge", name, "a name of 1 to 15 bytes without / : and space")),
    }
}

fn mode(text: Option<&str>) -> Result<Option<Mode>, ConfError> {
    match text {
        None => Ok(None),
        Some("dpdkvhostuserclient") => Ok(Some(Mode::Client)),
        Some("dpdkvhostuser") => Ok(Some(Mode::Server)),
        Some(other) => Err(invalid("mode", other, "dpdkvhostuserclient or dpdkvhostuser")),
    }
}

/// 0 is no VLAN.
fn vlan(id: Option<i64>) -> Result<Option<u16>, ConfError> {
    let id = id.filter(|id| *id != 0);
    id.map(|id| vlan_id(id).ok_or_else(|| invalid("vlan", id, "1 to 4094, or 0 for none")))
        .transpose()
}

fn vlan_id(id: i64) -> Option<u16> {
    u16::try_from(id).ok().filter(|id| (1..=4094).contains(id))
}

fn trunks(trunks: &[Trunk]) -> Result<Vec<u16>, ConfError> {
    let mut ids = Vec::new();
    for trunk in trunks {
        let (min, max) = match *trunk {
            Trunk::Id(id) | Trunk::One { id } => (id, id),
            Trunk::Range { min, max } => (min, max),
        };
        match (vlan_id(min), vlan_id(max)) {
            (Some(min), Some(max)) if min <= max => ids.extend(min..=max),
            _ => {
                return Err(invalid(
                    "trunks",
                    format!("{min}-{max}"),
                    "VLANs from 1 to 4094, ranges in order",
                ));
            }
        }
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

fn mtu(value: i64) -> Result<u32, ConfError> {
    let mtu = u32::try_from(value).ok().filter(|v| MTU_RANGE.contains(v));
    mtu.ok_or_else(|| invalid("mtu", value, "68 to 9702 bytes"))
}

/// What the pod asks for goes before the network's own. OVS counts in kbit/s.
fn limit(
    key: &'static str,
    asked: RawRate,
    own: RawRate,
    mtu: Option<u32>,
) -> Result<Option<Rate>, ConfError> {
    let RawRate { rate, burst } = if asked.rate > 0 || asked.burst > 0 { asked } else { own };
    if rate == 0 {
        return if burst == 0 {
            Ok(None)
        } else {
            Err(invalid(key, burst, "a rate beside the burst"))
        };
    }
    if !(1000..=u64::from(u32::MAX) * 1000).contains(&rate) || burst / 1000 > u64::from(u32::MAX) {
        return Err(invalid(key, rate, "1000 bit/s or more"));
    }
    // A burst that holds no frame lets none through.
    let frames = 10 * 8 * u64::from(mtu.unwrap_or(1500));
    let burst = if burst == 0 { (rate / 10).max(frames) } else { burst };
    Ok(Some(Rate { rate, burst }))
}

#[cfg(test)]
#[path = "conf_tests.rs"]
mod tests;
