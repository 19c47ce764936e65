//! STATUS: could an ADD of this network work at all? Never because addresses are used up, and never because a
//! database is restarting.

use std::time::{Duration, Instant};

use attachment::Error;
use cni::{StatusRequest, delegate, logging};
use ovsdb::Vswitch;
use ovsdb::vswitch::PortKind;

use crate::conf::Conf;
use crate::error::OvnError;
use crate::{Ovn, overlay};

/// Runtimes ask often; who does not answer by then is not there.
const DEADLINE: Duration = Duration::from_secs(2);

pub(crate) fn status(plugin: &Ovn, request: &StatusRequest) -> Result<(), cni::Error> {
    logging::init_of(&request.conf, "STATUS");
    let conf = Conf::of_network(&request.conf).map_err(OvnError::from)?;
    plugin.journal()?.prepare().map_err(OvnError::from)?;
    works(&conf).map_err(|error| OvnError::from(Error::NotAvailable(cni::chain(&error))))?;
    delegate::ipam_status(request)
}

fn works(conf: &Conf) -> Result<(), OvnError> {
    let deadline = Instant::now() + DEADLINE;
    let mut switch = Vswitch::connect(&conf.ovsdb, deadline)?;
    let view = switch.look(&conf.bridge, &conf.bridge, deadline)?;
    view.takes_ports(&conf.bridge, false, &PortKind::System)?;
    view.switch.external_ids.get("system-id").ok_or(OvnError::NoChassis)?;
    let view = overlay::connect(&conf.nb, deadline)?.look(&conf.switch, "", deadline)?;
    if view.switches.is_empty() && conf.create_switch.is_none() {
        return Err(ovsdb::northbound::Error::NoSwitch(conf.switch.clone()).into());
    }
    Ok(())
}
