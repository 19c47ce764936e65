//! STATUS: could an ADD of this network work at all? Never because slots or addresses are used up.

use std::time::{Duration, Instant};

use attachment::Error;
use cni::{StatusRequest, delegate, logging};
use ovsdb::Vswitch;
use ovsdb::vswitch::PortKind;

use crate::Vhostuser;
use crate::conf::Conf;
use crate::error::VhostError;

/// Runtimes ask often; who does not answer by then is not there.
const DEADLINE: Duration = Duration::from_secs(2);

pub(crate) fn status(plugin: &Vhostuser, request: &StatusRequest) -> Result<(), cni::Error> {
    logging::init_of(&request.conf, "STATUS");
    let conf = Conf::of_network(&request.conf).map_err(VhostError::from)?;
    plugin.journal()?.prepare().map_err(VhostError::from)?;
    switch_works(&conf).map_err(VhostError::from)?;
    delegate::ipam_status(request)
}

fn switch_works(conf: &Conf) -> Result<(), Error> {
    let unavailable = |error: &ovsdb::Error| Error::NotAvailable(cni::chain(error));
    let deadline = Instant::now() + DEADLINE;
    let mut switch = Vswitch::connect(&conf.ovsdb, deadline).map_err(|e| unavailable(&e))?;
    let view = switch.look(&conf.bridge, &conf.bridge, deadline).map_err(|e| unavailable(&e))?;
    view.takes_ports(&conf.bridge, conf.create_bridge, &PortKind::VhostUser)
        .map_err(|e| unavailable(&e))
}
