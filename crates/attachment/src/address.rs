//! Giving addresses back.

use cni::{Error, NetConf, Request, code, delegate};
use journal::Record;

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
