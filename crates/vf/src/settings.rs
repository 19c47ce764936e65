//! VF settings on the PF side: read in one request, changed in one.

use std::fmt;

use hostnet::{Mac, Rtnl};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    LinkAttribute, LinkExtentMask, LinkMessage, LinkVfInfo, VfInfo, VfInfoLinkState, VfInfoMac,
    VfInfoRate, VfInfoSpoofCheck, VfInfoTrust, VfInfoVlan, VfLinkState, VfVlan, VfVlanInfo,
    VlanProtocol,
};
use serde::{Deserialize, Serialize};

use crate::{Error, Vf};

/// VLAN that the PF puts on a VF's frames and takes off again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vlan {
    /// 0 (none) to 4094.
    pub id: u16,
    /// Priority code point, 0 to 7.
    pub qos: u8,
    /// Tag protocol.
    pub proto: VlanProto,
}

/// Tag protocol of a VLAN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum VlanProto {
    /// 802.1Q, ethertype 0x8100.
    #[serde(rename = "802.1q")]
    Q,
    /// 802.1ad, ethertype 0x88a8.
    #[serde(rename = "802.1ad")]
    Ad,
}

/// Transmit rates in Mbit/s; 0 means unlimited (max) or not guaranteed (min).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// Guaranteed.
    pub min: u32,
    /// Limit.
    pub max: u32,
}

/// What the VF sees of the PF's link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LinkState {
    /// As the PF's.
    Auto,
    /// Always up.
    Enable,
    /// Always down.
    Disable,
}

/// Settings to apply; unset ones are left alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VfSettings {
    /// Admin MAC; zero removes it.
    pub mac: Option<Mac>,
    /// VLAN.
    pub vlan: Option<Vlan>,
    /// Transmit rates.
    pub rate: Option<Rate>,
    /// Drop frames with another source MAC.
    pub spoofchk: Option<bool>,
    /// Let the VF set promiscuous mode and further MACs.
    pub trust: Option<bool>,
    /// Link state shown to the VF.
    pub link_state: Option<LinkState>,
}

/// What the PF reports of a VF; unset where its driver reports nothing.
pub type VfState = VfSettings;

impl VfSettings {
    /// Whether there is nothing to apply.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Those of `self` that `state` does not show.
    #[must_use]
    pub fn missing_in(&self, state: &VfState) -> Self {
        fn differing<T: PartialEq + Copy>(wanted: Option<T>, is: Option<T>) -> Option<T> {
            wanted.filter(|_| wanted != is)
        }
        Self {
            mac: differing(self.mac, state.mac),
            vlan: differing(self.vlan, state.vlan),
            rate: differing(self.rate, state.rate),
            spoofchk: differing(self.spoofchk, state.spoofchk),
            trust: differing(self.trust, state.trust),
            link_state: differing(self.link_state, state.link_state),
        }
    }

    /// The first one only, in the order in which the kernel applies a request.
    fn first(&self) -> Self {
        let mut first = Self::default();
        if self.mac.is_some() {
            first.mac = self.mac;
        } else if self.vlan.is_some() {
            first.vlan = self.vlan;
        } else if self.rate.is_some() {
            first.rate = self.rate;
        } else if self.spoofchk.is_some() {
            first.spoofchk = self.spoofchk;
        } else if self.link_state.is_some() {
            first.link_state = self.link_state;
        } else {
            first.trust = self.trust;
        }
        first
    }

    /// The request that applies all of them to VF `index` of the PF, which the kernel finds by name.
    fn request(&self, pf: &str, index: u32) -> LinkMessage {
        let mut info = Vec::new();
        info.extend(self.mac.map(|mac| VfInfo::Mac(VfInfoMac::new(index, &mac.0))));
        info.extend(self.vlan.map(|vlan| vlan_attribute(index, vlan)));
        info.extend(self.rate.map(|r| VfInfo::Rate(VfInfoRate::new(index, r.min, r.max))));
        info.extend(self.spoofchk.map(|on| VfInfo::SpoofCheck(VfInfoSpoofCheck::new(index, on))));
        info.extend(
            self.link_state
                .map(|state| VfInfo::LinkState(VfInfoLinkState::new(index, state.into()))),
        );
        info.extend(self.trust.map(|on| VfInfo::Trust(VfInfoTrust::new(index, on))));
        let mut message = LinkMessage::default();
        message.attributes.push(LinkAttribute::IfName(pf.to_owned()));
        message.attributes.push(LinkAttribute::VfInfoList(vec![LinkVfInfo(info)]));
        message
    }

    fn from_info(info: &[VfInfo]) -> (Option<u32>, Self) {
        let mut state = Self::default();
        let mut index = None;
        for attribute in info {
            match attribute {
                VfInfo::Mac(m) => {
                    index = Some(m.vf_id);
                    state.mac = Mac::from_slice(&m.mac);
                }
                VfInfo::Vlan(v) => {
                    state.vlan.get_or_insert(narrow(v.vlan_id, v.qos, VlanProto::Q));
                }
                VfInfo::VlanList(list) => {
                    if let Some(VfVlan::Info(v)) = list.first() {
                        let proto = match v.protocol {
                            VlanProtocol::Ieee8021Ad => VlanProto::Ad,
                            _ => VlanProto::Q,
                        };
                        state.vlan = Some(narrow(v.vlan_id, v.qos, proto));
                    }
                }
                VfInfo::Rate(r) => {
                    state.rate = Some(Rate { min: r.min_tx_rate, max: r.max_tx_rate });
                }
                VfInfo::SpoofCheck(s) => state.spoofchk = Some(s.enabled),
                VfInfo::Trust(t) => state.trust = Some(t.enabled),
                VfInfo::LinkState(l) => state.link_state = LinkState::from_kernel(l.state),
                _ => {}
            }
        }
        (index, state)
    }
}

fn vlan_attribute(index: u32, vlan: Vlan) -> VfInfo {
    let (id, qos) = (u32::from(vlan.id), u32::from(vlan.qos));
    match vlan.proto {
        VlanProto::Q => VfInfo::Vlan(VfInfoVlan::new(index, id, qos)),
        VlanProto::Ad => VfInfo::VlanList(vec![VfVlan::Info(VfVlanInfo::new(
            index,
            id,
            qos,
            VlanProtocol::Ieee8021Ad,
        ))]),
    }
}

fn narrow(id: u32, qos: u32, proto: VlanProto) -> Vlan {
    Vlan { id: u16::try_from(id).unwrap_or(0), qos: u8::try_from(qos).unwrap_or(0), proto }
}

impl LinkState {
    fn from_kernel(state: VfLinkState) -> Option<Self> {
        match state {
            VfLinkState::Auto => Some(Self::Auto),
            VfLinkState::Enable => Some(Self::Enable),
            VfLinkState::Disable => Some(Self::Disable),
            _ => None,
        }
    }
}

impl From<LinkState> for VfLinkState {
    fn from(state: LinkState) -> Self {
        match state {
            LinkState::Auto => Self::Auto,
            LinkState::Enable => Self::Enable,
            LinkState::Disable => Self::Disable,
        }
    }
}

/// Keys of the configuration with their values, as in `vlan 100 (qos 3), trust on`.
impl fmt::Display for VfSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on = |flag| if flag { "on" } else { "off" };
        let mut parts = Vec::new();
        parts.extend(self.mac.map(|mac| format!("mac {mac}")));
        parts.extend(self.vlan.map(|v| match (v.qos, v.proto) {
            (0, VlanProto::Q) => format!("vlan {}", v.id),
            (qos, VlanProto::Q) => format!("vlan {} (vlanQoS {qos})", v.id),
            (qos, VlanProto::Ad) => format!("vlan {} (vlanQoS {qos}, vlanProto 802.1ad)", v.id),
        }));
        parts.extend(self.rate.map(|r| format!("min_tx_rate {}, max_tx_rate {}", r.min, r.max)));
        parts.extend(self.spoofchk.map(|flag| format!("spoofchk {}", on(flag))));
        parts.extend(
            self.link_state
                .map(|state| format!("link_state {}", format!("{state:?}").to_lowercase())),
        );
        parts.extend(self.trust.map(|flag| format!("trust {}", on(flag))));
        f.write_str(&parts.join(", "))
    }
}

impl Vf {
    /// What the PF reports of all its VFs, as (index, state); empty where the PF's driver reports
    /// none. One request, without the statistics.
    ///
    /// # Errors
    /// The PF is gone.
    pub fn pf_states(&self, host: &Rtnl) -> Result<Vec<(u32, VfState)>, Error> {
        let mut request = LinkMessage::default();
        let mask = vec![LinkExtentMask::Vf, LinkExtentMask::SkipStats];
        request.attributes.push(LinkAttribute::ExtMask(mask));
        request.attributes.push(LinkAttribute::IfName(self.pf.netdev.clone()));
        let answers = host.get(RouteNetlinkMessage::GetLink(request), || {
            format!("read the VFs of {}", self.pf.netdev)
        })?;
        let mut states = Vec::new();
        for answer in answers {
            let RouteNetlinkMessage::NewLink(message) = answer else { continue };
            for attribute in message.attributes {
                let LinkAttribute::VfInfoList(list) = attribute else { continue };
                states.extend(list.iter().filter_map(|info| {
                    let (index, state) = VfSettings::from_info(&info.0);
                    Some((index?, state))
                }));
            }
        }
        Ok(states)
    }

    /// What the PF reports of this VF.
    ///
    /// # Errors
    /// [`Error::NotReported`] where it does not.
    pub fn pf_state(&self, host: &Rtnl) -> Result<VfState, Error> {
        self.pf_states(host)?
            .into_iter()
            .find_map(|(index, state)| (index == self.index).then_some(state))
            .ok_or_else(|| Error::NotReported { pf: self.pf.netdev.clone(), index: self.index })
    }

    /// Applies the settings in one request.
    ///
    /// # Errors
    /// [`Error::Settings`]. The kernel stops at the first setting it refuses and keeps those before;
    /// the error names the refused one, found by reading back.
    pub fn apply(&self, host: &Rtnl, settings: &VfSettings) -> Result<(), Error> {
        if settings.is_empty() {
            return Ok(());
        }
        let request = RouteNetlinkMessage::SetLink(settings.request(&self.pf.netdev, self.index));
        host.change(request, 0, || "the kernel refuses".to_owned()).map_err(|source| {
            let refused = self
                .pf_state(host)
                .map(|state| settings.missing_in(&state).first())
                .ok()
                .filter(|first| !first.is_empty())
                .unwrap_or_else(|| settings.clone());
            Error::Settings {
                pf: self.pf.netdev.clone(),
                index: self.index,
                settings: refused.to_string(),
                source,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> VfSettings {
        VfSettings {
            mac: Some("02:00:00:00:00:01".parse().unwrap()),
            vlan: Some(Vlan { id: 100, qos: 3, proto: VlanProto::Ad }),
            rate: Some(Rate { min: 10, max: 100 }),
            spoofchk: Some(true),
            trust: Some(false),
            link_state: Some(LinkState::Disable),
        }
    }

    #[test]
    fn a_request_reads_back_as_the_settings() {
        let message = all().request("eth0", 2);
        let [_, LinkAttribute::VfInfoList(list)] = &message.attributes[..] else { panic!() };
        assert_eq!(VfSettings::from_info(&list[0].0), (Some(2), all()));
    }

    #[test]
    fn only_what_differs_is_missing() {
        let mut state = all();
        assert!(all().missing_in(&state).is_empty());
        state.trust = Some(true);
        state.vlan = None;
        let missing = all().missing_in(&state);
        assert_eq!(
            missing,
            VfSettings { vlan: all().vlan, trust: all().trust, ..Default::default() }
        );
        assert_eq!(missing.first(), VfSettings { vlan: all().vlan, ..Default::default() });
    }

    #[test]
    fn is_shown_with_the_configurations_keys() {
        assert_eq!(
            all().to_string(),
            "mac 02:00:00:00:00:01, vlan 100 (vlanQoS 3, vlanProto 802.1ad), min_tx_rate 10, \
             max_tx_rate 100, spoofchk on, link_state disable, trust off"
        );
    }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod captured;
