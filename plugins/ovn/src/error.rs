//! What can go wrong, and the CNI code each case has (docs/errors.md).

use attachment::{ConfError, journal_code};
use cni::code;
use ovsdb::northbound;

/// No chassis bound the logical port, or `ovn-northd` gave it no address.
pub(crate) const OVERLAY: u32 = 130;

/// Failures of the verbs.
#[derive(Debug, thiserror::Error)]
pub enum OvnError {
    /// Configuration.
    #[error("invalid ovn configuration")]
    Conf(#[from] ConfError),
    /// Another plugin (IPAM) failed; its own error object.
    #[error("{}", .0.msg)]
    Delegate(cni::Error),
    /// What every plugin does.
    #[error(transparent)]
    Attachment(#[from] attachment::Error),
    /// Records and locks.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// Namespaces and links.
    #[error(transparent)]
    Net(#[from] hostnet::Error),
    /// The chassis' switch.
    #[error("the chassis' switch")]
    Switch(#[from] ovsdb::Error),
    /// The overlay.
    #[error("the overlay")]
    Overlay(#[from] northbound::Error),
    /// The socket's directory and what is in it.
    #[error(transparent)]
    Handover(#[from] handover::Error),
    /// Device-info file.
    #[error(transparent)]
    DeviceInfo(#[from] npwg::Error),
    /// Files for TLS.
    #[error(transparent)]
    Identity(#[from] ovsdb::IdentityError),
    /// The pod has such an interface.
    #[error("the pod has an interface {0} already")]
    InterfaceTaken(String),
    /// Something removed it while it was made.
    #[error("interface {0} is gone as soon as it was made")]
    Gone(String),
    /// The switch is no chassis.
    #[error("the switch of this host is no chassis of OVN: it has no external_ids:system-id")]
    NoChassis,
    /// Addresses were given, of a switch without a subnet.
    #[error("logical switch {0} has no subnet that dynamic addresses could be of")]
    NoSubnet(String),
}

impl OvnError {
    /// The code of the failure and what the user can do.
    fn code_and_hint(&self) -> (u32, &'static str) {
        match self {
            Self::Conf(_) => (code::CONFIG, "see the field table in the ovn README"),
            Self::Delegate(e) => (e.code, ""),
            Self::Attachment(e) => e.code_and_hint(),
            Self::Journal(e) => journal_code(e),
            Self::Net(_) | Self::Gone(_) | Self::DeviceInfo(_) => (code::IO, ""),
            Self::Handover(e) => e.code_and_hint(),
            Self::Switch(e) => switch_code(e),
            Self::Overlay(e) => overlay_code(e),
            Self::Identity(_) => {
                (code::CONFIG, "\"tls\" names key, certificate and authority, all PEM")
            }
            Self::InterfaceTaken(_) => (code::CONFIG, "choose another name"),
            Self::NoChassis => (code::CONFIG, "start ovn-controller, or set it"),
            Self::NoSubnet(_) => (code::CONFIG, "set its other_config:subnet, or use ips or ipam"),
        }
    }
}

fn switch_code(error: &ovsdb::Error) -> (u32, &'static str) {
    use ovsdb::Error;
    match error {
        error if error.is_tls() => (
            code::CONFIG,
            "\"tls\" needs a key and certificate that the servers believe, and their authority",
        ),
        Error::NoBridge(_) => (code::CONFIG, "ovn-controller makes it: is it running?"),
        Error::NotNetdev { .. } => (
            code::CONFIG,
            "set external_ids:ovn-bridge-datapath-type=netdev of the chassis, or use interfaceType veth",
        ),
        other => handover::switch_code(other),
    }
}

fn overlay_code(error: &northbound::Error) -> (u32, &'static str) {
    use northbound::Error;
    match error {
        Error::Database(error) if error.is_tls() => switch_code(error),
        Error::Database(ovsdb::Error::NotOvsdb(_)) => {
            (code::IO, "is \"nb\" the address of the northbound database?")
        }
        Error::Database(
            ovsdb::Error::Connect { .. }
            | ovsdb::Error::Connection { .. }
            | ovsdb::Error::Late { .. },
        ) => (
            code::TRY_AGAIN,
            "is the northbound database's server running, and is \"nb\" its address?",
        ),
        Error::Database(error) => switch_code(error),
        Error::NoDatabase { .. } => (code::CONFIG, "\"nb\" is the northbound database's address"),
        Error::NoLeader => {
            (code::TRY_AGAIN, "the cluster is electing one, or \"nb\" lacks a server")
        }
        Error::NoSwitch(_) => (code::CONFIG, "create it, or give createSwitch"),
        Error::SeveralSwitches(_) => (code::CONFIG, "remove or rename the others"),
        Error::LogicalPortTaken { .. } => (code::CONFIG, "remove it, if nobody needs it"),
        Error::AddressTaken { .. } => (code::CONFIG, "give every attachment its own address"),
        Error::NoLogicalPort { .. } | Error::Contended(_) => (code::TRY_AGAIN, ""),
        Error::NorthdLate { .. } => (
            OVERLAY,
            "is ovn-northd running, and has the logical switch other_config:subnet with a free address?",
        ),
        Error::NotBound { .. } => (
            OVERLAY,
            "is ovn-controller running on this host, and connected to the southbound database?",
        ),
    }
}

impl From<OvnError> for cni::Error {
    fn from(error: OvnError) -> Self {
        match error {
            OvnError::Delegate(e) => e,
            other => {
                let (code, hint) = other.code_and_hint();
                Self::from_chain(code, &other, hint)
            }
        }
    }
}
