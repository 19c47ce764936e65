//! Addresses: asked for, told, given back.

use cni::{AddResult, Error, IpConfig, NetConf, Request, code, delegate};
use ipnetwork::IpNetwork;
use journal::Record;

/// What the IPAM plugin gives, or what the pod asked for where there is none.
///
/// # Errors
/// The plugin's own; it gave no address.
pub fn addresses(request: &Request, asked: &[IpNetwork]) -> Result<AddResult, Error> {
    if request.conf.ipam.is_none() {
        let given = |address: &_| IpConfig { address: *address, gateway: None, interface: None };
        return Ok(AddResult { ips: asked.iter().map(given).collect(), ..AddResult::default() });
    }
    let leased = delegate::ipam_add(request)?;
    if leased.ips.is_empty() {
        let (msg, hint) =
            ("the IPAM plugin returned no address", "check the ranges in ipam, or leave ipam out");
        return Err(Error::new(code::CONFIG, msg, hint));
    }
    Ok(leased)
}

/// Adds to a result the addresses, routes and name servers of its interface at this place.
pub fn merge(result: &mut AddResult, interface: usize, given: &AddResult) {
    let ours = |ip: &IpConfig| IpConfig { interface: Some(interface), ..ip.clone() };
    result.ips.extend(given.ips.iter().map(ours));
    result.routes.extend(given.routes.clone());
    if result.dns.is_empty() {
        result.dns = given.dns.clone();
    }
}

/// DEL of the IPAM plugin. One that does not speak the configuration's version has leased nothing.
///
/// # Errors
/// The plugin's own.
pub fn ipam_del(request: &Request) -> Result<(), Error> {
    match delegate::ipam_del(request) {
        Err(error) if error.code == code::INCOMPATIBLE_VERSION => {
            log::warn!("{error}");
            Ok(())
        }
        done => done,
    }
}

/// [`ipam_del`] with the configuration of ADD; `request` lends `CNI_PATH` and the arguments.
///
/// # Errors
/// The plugin's own; the recorded configuration is none.
pub fn release_addresses<D>(record: &Record<D>, request: &Request) -> Result<(), Error> {
    let conf = NetConf::parse(record.conf.as_bytes())?;
    ipam_del(&Request { conf, ..request.clone() })
}
