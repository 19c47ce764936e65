//! What users write: both dialects, parsed into typed values. Nothing here touches the host.

use std::collections::BTreeMap;

use attachment::{ConfError, invalid};
use cni::{NetConf, Request};
use hostnet::Mac;
use serde::Deserialize;
use vf::{LinkState, PciAddr, Vlan, VlanProto, is_dpdk_driver, is_known_driver};

/// Keys this plugin knows, in the spelling of the documentation.
const KEYS: &[&str] = &[
    "deviceID",
    "pciBusID",
    "if0",
    "master",
    "pf",
    "if0name",
    "l2enable",
    "dpdk",
    "vlan",
    "vlanQoS",
    "vlanProto",
    "mac",
    "spoofchk",
    "trust",
    "link_state",
    "min_tx_rate",
    "max_tx_rate",
    "mtu",
    "logLevel",
    "logFile",
];

/// Smallest MTU of an IPv4 link (RFC 791) and the largest frame the kernel lets a driver announce.
const MTU_RANGE: std::ops::RangeInclusive<u32> = 68..=65_535;

/// Which VF to attach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Device {
    /// This one: chosen by the device plugin or by hand.
    Vf(PciAddr),
    /// The lowest free one of the PF with this netdev.
    AnyOf(String),
}

/// The drivers of the `dpdk{}` object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dpdk {
    /// Driver to bind for the container.
    pub dpdk_driver: String,
    /// Driver to bind on DEL for a VF that had none.
    pub kernel_driver: Option<String>,
}

/// A validated configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conf {
    /// Which VF; `None` where neither configuration nor runtime names one (valid for STATUS only).
    pub device: Option<Device>,
    /// Name inside the pod where it is not `CNI_IFNAME`.
    pub if0name: Option<String>,
    /// No IPAM.
    pub l2enable: bool,
    /// Rebind the VF's driver.
    pub dpdk: Option<Dpdk>,
    /// MAC for the VF.
    pub mac: Option<Mac>,
    /// VLAN the PF adds and strips.
    pub vlan: Option<Vlan>,
    /// Anti-spoofing.
    pub spoofchk: Option<bool>,
    /// Trusted VF.
    pub trust: Option<bool>,
    /// Link state shown to the VF.
    pub link_state: Option<LinkState>,
    /// Mbit/s.
    pub min_tx_rate: Option<u32>,
    /// Mbit/s.
    pub max_tx_rate: Option<u32>,
    /// Bytes.
    pub mtu: Option<u32>,
    /// Remarks for the log: unknown keys, options without effect.
    pub warnings: Vec<String>,
}

/// The configuration as JSON has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Raw {
    #[serde(rename = "deviceID")]
    device_id: Option<String>,
    if0: Option<String>,
    master: Option<String>,
    pf: Option<String>,
    if0name: Option<String>,
    l2enable: Option<bool>,
    dpdk: Option<RawDpdk>,
    vlan: Option<i64>,
    #[serde(rename = "vlanQoS")]
    vlan_qos: Option<i64>,
    #[serde(rename = "vlanProto")]
    vlan_proto: Option<String>,
    mac: Option<String>,
    spoofchk: Option<String>,
    trust: Option<String>,
    link_state: Option<String>,
    min_tx_rate: Option<i64>,
    max_tx_rate: Option<i64>,
    mtu: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawDpdk {
    kernel_driver: Option<String>,
    dpdk_driver: Option<String>,
    dpdk_tool: Option<String>,
    #[serde(flatten)]
    others: BTreeMap<String, serde_json::Value>,
}

impl Conf {
    /// The configuration of an ADD: with what the runtime adds to the network's own keys.
    ///
    /// # Errors
    /// A key with a value it cannot have; the error names both.
    pub fn of_request(request: &Request) -> Result<Self, ConfError> {
        let mac = request.arg("MAC");
        Self::parse(&request.conf, mac)
    }

    /// The configuration alone, as STATUS sees it.
    ///
    /// # Errors
    /// As [`Conf::of_request`].
    pub fn of_network(conf: &NetConf) -> Result<Self, ConfError> {
        Self::parse(conf, None)
    }

    fn parse(conf: &NetConf, mac_argument: Option<String>) -> Result<Self, ConfError> {
        let mut raw: Raw = conf.plugin_fields(KEYS).map_err(ConfError::Fields)?;
        let mut warnings: Vec<String> = conf
            .unknown_keys(KEYS)
            .iter()
            .map(|k| format!("unknown key {k:?} is ignored"))
            .collect();
        let runtime = |key| conf.runtime_config::<String>(key).map_err(ConfError::Fields);
        let given = |value: Option<String>| value.filter(|v| !v.is_empty());
        raw.device_id = given(runtime("deviceID")?).or(raw.device_id);
        raw.mac = given(runtime("mac")?).or(given(mac_argument)).or(raw.mac);
        Ok(Self {
            device: device(&raw, &mut warnings)?,
            if0name: raw.if0name.clone().filter(|n| !n.is_empty()).map(if0name).transpose()?,
            l2enable: raw.l2enable.unwrap_or(false),
            vlan: vlan(&raw)?,
            mac: raw.mac.as_deref().filter(|m| !m.is_empty()).map(unicast_mac).transpose()?,
            spoofchk: on_off("spoofchk", raw.spoofchk.as_deref())?,
            trust: on_off("trust", raw.trust.as_deref())?,
            link_state: link_state(raw.link_state.as_deref())?,
            min_tx_rate: rate("min_tx_rate", raw.min_tx_rate)?,
            max_tx_rate: rates_in_order(&raw)?,
            mtu: raw.mtu.map(mtu).transpose()?,
            dpdk: raw.dpdk.map(|d| dpdk(d, &mut warnings)).transpose()?.flatten(),
            warnings,
        })
    }
}

const BOTH_DEVICES: &str =
    "deviceID and if0 are both given; deviceID names a VF, if0 lets the plugin choose one";

fn device(raw: &Raw, warnings: &mut Vec<String>) -> Result<Option<Device>, ConfError> {
    let given = |name: &Option<String>| name.clone().filter(|n| !n.is_empty());
    let pf = given(&raw.if0).or(given(&raw.master)).or(given(&raw.pf));
    match (given(&raw.device_id), pf) {
        (Some(_), Some(_)) if given(&raw.if0).is_some() => Err(ConfError::Keys(BOTH_DEVICES)),
        (Some(id), pf) => {
            if let Some(pf) = pf {
                warnings.push(format!("master/pf {pf:?} has no effect beside deviceID"));
            }
            let addr = id
                .parse()
                .map_err(|_e| invalid("deviceID", id, "a PCI address such as 0000:01:10.0"))?;
            Ok(Some(Device::Vf(addr)))
        }
        (None, pf) => Ok(pf.map(Device::AnyOf)),
    }
}

fn if0name(name: String) -> Result<String, ConfError> {
    let reserved = ["lo", "eth0", "eth1"].contains(&name.as_str());
    match name.parse::<cni::IfName>() {
        Ok(_) if !reserved => Ok(name),
        _ => Err(invalid(
            "if0name",
            name,
            "an interface name of 1 to 15 bytes other than lo, eth0, eth1",
        )),
    }
}

fn dpdk(raw: RawDpdk, warnings: &mut Vec<String>) -> Result<Option<Dpdk>, ConfError> {
    let given = |name: Option<String>| name.filter(|n| !n.is_empty());
    let (dpdk_driver, kernel_driver) = (given(raw.dpdk_driver), given(raw.kernel_driver));
    if let Some(tool) = given(raw.dpdk_tool) {
        warnings
            .push(format!("dpdk.dpdk_tool {tool:?} is not used: drivers are bound through sysfs"));
    }
    warnings.extend(raw.others.keys().map(|key| format!("unknown key \"dpdk.{key}\" is ignored")));
    let Some(dpdk_driver) = dpdk_driver else {
        // An empty object asks for nothing; one with a misspelt key must not end in kernel mode.
        if kernel_driver.is_some() || !raw.others.is_empty() {
            return Err(invalid("dpdk.dpdk_driver", "", "vfio-pci, uio_pci_generic or igb_uio"));
        }
        return Ok(None);
    };
    if !is_dpdk_driver(&dpdk_driver) {
        return Err(invalid(
            "dpdk.dpdk_driver",
            dpdk_driver,
            "vfio-pci, uio_pci_generic or igb_uio",
        ));
    }
    if let Some(driver) = &kernel_driver
        && (!is_known_driver(driver) || is_dpdk_driver(driver))
    {
        return Err(invalid(
            "dpdk.kernel_driver",
            driver,
            "a VF's network driver, such as igbvf, ixgbevf or iavf",
        ));
    }
    Ok(Some(Dpdk { dpdk_driver, kernel_driver }))
}

fn vlan(raw: &Raw) -> Result<Option<Vlan>, ConfError> {
    let proto = match raw.vlan_proto.as_deref().map(str::to_ascii_lowercase).as_deref() {
        None | Some("802.1q") => VlanProto::Q,
        Some("802.1ad") => VlanProto::Ad,
        Some(other) => return Err(invalid("vlanProto", other, "802.1q or 802.1ad")),
    };
    let qos = match raw.vlan_qos {
        Some(qos) => u8::try_from(qos)
            .ok()
            .filter(|q| *q <= 7)
            .ok_or_else(|| invalid("vlanQoS", qos, "0 to 7"))?,
        None => 0,
    };
    let Some(id) = raw.vlan else {
        return match (raw.vlan_qos, &raw.vlan_proto) {
            (Some(qos), _) => Err(invalid("vlanQoS", qos, "a vlan beside it")),
            (None, Some(proto)) => Err(invalid("vlanProto", proto, "a vlan beside it")),
            (None, None) => Ok(None),
        };
    };
    let id = u16::try_from(id)
        .ok()
        .filter(|v| *v <= 4094)
        .ok_or_else(|| invalid("vlan", id, "0 to 4094"))?;
    if id == 0 && qos != 0 {
        return Err(invalid("vlanQoS", qos, "0 with vlan 0"));
    }
    if id == 0 && proto == VlanProto::Ad {
        return Err(invalid("vlanProto", "802.1ad", "802.1q with vlan 0"));
    }
    Ok(Some(Vlan { id, qos, proto }))
}

fn unicast_mac(text: &str) -> Result<Mac, ConfError> {
    let mac: Option<Mac> = text.parse().ok();
    mac.filter(|m| m.is_unicast())
        .ok_or_else(|| invalid("mac", text, "a unicast MAC address such as 02:00:00:00:00:01"))
}

fn on_off(key: &'static str, value: Option<&str>) -> Result<Option<bool>, ConfError> {
    match value {
        None | Some("") => Ok(None),
        Some("on") => Ok(Some(true)),
        Some("off") => Ok(Some(false)),
        Some(other) => Err(invalid(key, other, "on or off")),
    }
}

fn link_state(value: Option<&str>) -> Result<Option<LinkState>, ConfError> {
    match value {
        None | Some("") => Ok(None),
        Some("auto") => Ok(Some(LinkState::Auto)),
        Some("enable") => Ok(Some(LinkState::Enable)),
        Some("disable") => Ok(Some(LinkState::Disable)),
        Some(other) => Err(invalid("link_state", other, "auto, enable or disable")),
    }
}

fn rate(key: &'static str, value: Option<i64>) -> Result<Option<u32>, ConfError> {
    value.map(|v| u32::try_from(v).map_err(|_e| invalid(key, v, "Mbit/s, 0 for none"))).transpose()
}

/// The maximum, checked against the minimum.
fn rates_in_order(raw: &Raw) -> Result<Option<u32>, ConfError> {
    let (min, max) = (rate("min_tx_rate", raw.min_tx_rate)?, rate("max_tx_rate", raw.max_tx_rate)?);
    match (min, max) {
        (Some(min), Some(max)) if max != 0 && min > max => {
            Err(invalid("min_tx_rate", min, "at most max_tx_rate"))
        }
        _ => Ok(max),
    }
}

fn mtu(value: i64) -> Result<u32, ConfError> {
    u32::try_from(value)
        .ok()
        .filter(|v| MTU_RANGE.contains(v))
        .ok_or_else(|| invalid("mtu", value, "68 to 65535 bytes"))
}

#[cfg(test)]
#[path = "conf_tests.rs"]
mod tests;
