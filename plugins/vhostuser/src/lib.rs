//! The `vhostuser` plugin: a port of OVS-DPDK whose socket is in the pod.
//!
//! Touches: rows of the database of Open vSwitch (a port, its interface, its limit; the bridge only
//! with `createBridge`), the attachment's directory with the socket and the files for the application,
//! the record below `/var/lib/fastpath/vhostuser/`, the lock file in `/run/fastpath/`, the device-info
//! file that the runtime names. Never touches: the pod's network namespace, ports of others, a bridge
//! that it did not make, flows.
//!
//! A reader's way: `conf` is what users write (`userspace` the older dialect), `add` the steps (the
//! crate `handover` where the socket goes), `restore` their inverse, which `del`, `gc` and a failed ADD share.

#![forbid(unsafe_code)]

mod add;
mod check;
mod conf;
mod del;
mod error;
mod gc;
mod record;
mod restore;
mod status;
mod userspace;

use std::time::{Duration, Instant};

use cni::{AddResult, Error, GcRequest, Plugin, Request, StatusRequest};
use hostnet::Host;
use journal::{Call, Journal, Locks};

pub use conf::Conf;

/// What names of its ports begin with.
const PREFIX: &str = "vh";

/// How long a restarting database, and `ovs-vswitchd` with a change, are waited for.
const SWITCH_DEADLINE: Duration = Duration::from_secs(10);

/// The plugin on one host.
#[derive(Debug)]
pub struct Vhostuser {
    host: Host,
    locks: Locks,
}

impl Vhostuser {
    /// The plugin for the host with these paths.
    #[must_use]
    pub fn new(host: Host) -> Self {
        let locks = Locks::new(&host.run, "vhostuser");
        Self { host, locks }
    }

    fn journal(&self) -> Result<Journal, error::VhostError> {
        Ok(Journal::open(&self.host.state, &self.host.proc, "vhostuser")?)
    }
}

/// When to give up on the switch.
fn switch_deadline() -> Instant {
    Instant::now() + SWITCH_DEADLINE
}

impl Plugin for Vhostuser {
    fn add(&self, request: &Request) -> Result<AddResult, Error> {
        add::add(self, request)
    }

    fn del(&self, request: &Request) -> Result<(), Error> {
        del::del(self, request)
    }

    fn check(&self, request: &Request) -> Result<(), Error> {
        check::check(self, request)
    }

    fn gc(&self, request: &GcRequest) -> Result<(), Error> {
        gc::gc(self, request)
    }

    fn status(&self, request: &StatusRequest) -> Result<(), Error> {
        status::status(self, request)
    }

    fn served(&self, verb: &str, took: Duration, succeeded: bool) {
        let (plugin, verb) = ("vhostuser".to_owned(), verb.to_owned());
        Call { plugin, verb, took, ok: succeeded }.note(&self.host.run);
    }
}
