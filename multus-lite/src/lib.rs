//! `multus-lite`: several networks per pod, from its own configuration or from Kubernetes.
//!
//! Touches: the record of each pod below `/var/lib/fastpath/multus-lite/`, the lock file in
//! `/run/fastpath/`, device-info files, the default routes inside a pod that asks for another one, the
//! pod's network-status annotation. Everything else is done by the plugins that it calls.
//!
//! A reader's way: `conf` is what operators write, `kubernetes` what the cluster adds, `plan` makes
//! attachments of it, `add` and `attach` make them, `detach` is the inverse, which `del`, `gc` and a
//! failed ADD share.

#![forbid(unsafe_code)]

mod add;
mod attach;
mod check;
mod conf;
mod definitions;
mod del;
mod detach;
mod devices;
mod error;
pub mod fuzz;
mod gc;
mod kubernetes;
mod multus_cache;
mod on_disk;
mod plan;
mod record;
mod requested;
mod route;
mod statics;
mod status;

use std::path::PathBuf;
use std::time::Duration;

use apiserver::Access;
use cni::{AddResult, Error, GcRequest, Plugin, Request, StatusRequest};
use hostnet::Host;
use journal::{Call, Journal, Locks};

pub use conf::{Conf, Delegate};
pub use error::ConfError;

/// Name of the program: of its records, and of its lock.
const NAME: &str = "multus-lite";

/// Where things are.
#[derive(Debug, Clone)]
pub struct Places {
    /// This host.
    pub host: Host,
    /// What kubelet offers.
    pub kubelet: kubelet::Paths,
    /// Directory of the device-info specification.
    pub device_info: PathBuf,
    /// What kubelet gives a pod that may ask the API server.
    pub service_account: PathBuf,
    /// Where the `fastpath` tool and runtimes with the Go library remember what they attached.
    pub runtime_cache: PathBuf,
}

impl Places {
    /// The real ones.
    #[must_use]
    pub fn real() -> Self {
        Self {
            host: Host::real(),
            kubelet: kubelet::Paths::default(),
            device_info: npwg::devinfo::DEFAULT_ROOT.into(),
            service_account: "/var/run/secrets/kubernetes.io/serviceaccount".into(),
            runtime_cache: "/var/lib/cni".into(),
        }
    }
}

/// The meta-plugin on one host.
#[derive(Debug)]
pub struct MultusLite {
    places: Places,
    locks: Locks,
}

impl MultusLite {
    /// The meta-plugin with these places.
    #[must_use]
    pub fn new(places: Places) -> Self {
        let locks = Locks::new(&places.host.run, NAME);
        Self { places, locks }
    }

    fn journal(&self) -> Result<Journal, error::MultusError> {
        Ok(Journal::open(&self.places.host.state, &self.places.host.proc, NAME)?)
    }

    /// How to reach the API server; none when the configuration does not say.
    fn access(&self, conf: &Conf) -> Option<Access> {
        match &conf.kubeconfig {
            Some(path) => Some(Access::Kubeconfig(path.clone())),
            None => self.places.service_account.join("token").exists().then_some(Access::InCluster),
        }
    }
}

impl Plugin for MultusLite {
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
        let (plugin, verb) = ("multus-lite".to_owned(), verb.to_owned());
        Call { plugin, verb, took, ok: succeeded }.note(&self.places.host.run);
    }
}
