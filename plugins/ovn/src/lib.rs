//! The `ovn` plugin: a port of a logical switch of OVN, as an interface in the pod.
//!
//! Touches: rows of the database `OVN_Northbound` (a logical port with its limits and DHCP options; the logical switch only
//! with `createSwitch`), rows of the chassis' `Open_vSwitch` (a port of the integration bridge), a veth pair, the pod's interface with
//! its addresses and routes (or the directory of its vhost-user socket), the record below `/var/lib/fastpath/ovn/`, the lock file in `/run/fastpath/`. Never touches: routers, ports
//! of others, switches that it did not make, the southbound database.
//!
//! A reader's way: `conf` is what users write, `add` the steps, `plan` what its record will hold, `overlay` the logical port, `pod` the interface or `socket` the socket, `restore` the
//! inverse of all, which `del`, `gc` and a failed ADD share.

#![forbid(unsafe_code)]

mod add;
mod check;
mod conf;
mod del;
mod error;
mod gc;
mod mtu;
mod overlay;
mod plan;
mod pod;
mod record;
mod restore;
mod socket;
mod status;

use std::time::{Duration, Instant};

use cni::{AddResult, Error, GcRequest, Plugin, Request, StatusRequest};
use hostnet::Host;
use journal::{Call, Journal, Locks};

pub use conf::Conf;

/// What names of its ports begin with.
const PREFIX: &str = "ov";

/// How long restarting databases, `ovs-vswitchd`, `ovn-northd` and the chassis are waited for.
const DEADLINE: Duration = Duration::from_secs(10);

/// The plugin on one host.
#[derive(Debug)]
pub struct Ovn {
    host: Host,
    locks: Locks,
}

impl Ovn {
    /// The plugin for the host with these paths.
    #[must_use]
    pub fn new(host: Host) -> Self {
        let locks = Locks::new(&host.run, "ovn");
        Self { host, locks }
    }

    fn journal(&self) -> Result<Journal, error::OvnError> {
        Ok(Journal::open(&self.host.state, &self.host.proc, "ovn")?)
    }
}

/// When to give up.
fn deadline() -> Instant {
    Instant::now() + DEADLINE
}

impl Plugin for Ovn {
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
        let (plugin, verb) = ("ovn".to_owned(), verb.to_owned());
        Call { plugin, verb, took, ok: succeeded }.note(&self.host.run);
    }
}
