//! The `sriov` plugin: a virtual function in a container, as kernel interface or DPDK device.
//!
//! Touches: the VF's netdev (moved, renamed, MAC, MTU), the VF's settings on its PF (one
//! `RTM_SETLINK`), the VF's driver (`driver_override`, when `dpdk{}` asks for it), the record below
//! `/var/lib/fastpath/sriov/`, the lock file in `/run/fastpath/`, the device-info file that the
//! runtime names. Never touches: the number of VFs, the PF's own settings, other VFs.
//!
//! A reader's way: `conf` is what users write, `add` the steps, `restore` their inverse, which
//! `del`, `gc` and a failed ADD share.

#![forbid(unsafe_code)]

mod add;
mod attach;
mod check;
mod conf;
mod del;
mod devinfo;
mod error;
mod gc;
mod plan;
mod record;
mod restore;
mod select;
mod status;

use std::time::Duration;

use cni::{AddResult, Error, GcRequest, Plugin, Request, StatusRequest};
use hostnet::Host;
use journal::{Call, Journal, Locks};
use vf::Sysfs;

pub use conf::Conf;

/// The plugin on one host.
#[derive(Debug)]
pub struct Sriov {
    host: Host,
    sysfs: Sysfs,
    locks: Locks,
}

impl Sriov {
    /// The plugin for the host with these paths.
    #[must_use]
    pub fn new(host: Host) -> Self {
        let sysfs = Sysfs::new(&host.sys);
        let locks = Locks::new(&host.run, "sriov");
        Self { host, sysfs, locks }
    }

    fn journal(&self) -> Result<Journal, error::SriovError> {
        Ok(Journal::open(&self.host.state, &self.host.proc, "sriov")?)
    }
}

impl Plugin for Sriov {
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
        let (plugin, verb) = ("sriov".to_owned(), verb.to_owned());
        Call { plugin, verb, took, ok: succeeded }.note(&self.host.run);
    }
}
