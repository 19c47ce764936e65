//! A pool as kubelet sees it.

mod allocate;
mod cdi;
mod environment;
mod prefer;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use deviceplugin::messages::{Allocated, Choice, Device};
use deviceplugin::{Refusal, Resource};
use hostnet::Host;
use tokio::sync::watch;

use crate::config::{Kind, Prefer};
use crate::health;
use crate::inventory::Inventory;
use crate::metrics::Counts;
use crate::pools::Pool;

/// A pool with what is known of its devices now.
pub(crate) struct Offer {
    host: Host,
    resource: String,
    /// Containers get device nodes by the Container Device Interface.
    by_cdi: bool,
    devices: watch::Sender<Vec<Device>>,
    known: Mutex<Known>,
}

/// What changes while the agent runs.
struct Known {
    pool: Pool,
    /// Why devices are unhealthy.
    unhealthy: BTreeMap<String, String>,
    counts: Counts,
}

impl Offer {
    /// Offers nothing before the first [`Offer::update`].
    pub(crate) fn new(pool: Pool, host: &Host, by_cdi: bool) -> Self {
        let resource = pool.spec.resource.clone();
        let (unhealthy, counts) = (BTreeMap::new(), Counts::default());
        let known = Mutex::new(Known { pool, unhealthy, counts });
        Self {
            host: host.clone(),
            resource,
            by_cdi,
            devices: watch::Sender::new(Vec::new()),
            known,
        }
    }

    /// Judges every device anew, and tells kubelet when something has changed.
    pub(crate) fn update(&self, pool: &Pool, inventory: &Inventory, claims: &BTreeSet<String>) {
        let mut devices = Vec::new();
        let mut unhealthy = BTreeMap::new();
        for (id, member) in &pool.members {
            let judged = health::judge(pool, member, inventory, claims);
            let numa = member.numa.filter(|_| tells_topology(pool));
            devices.push(Device::new(id, judged.is_ok(), numa));
            if let Err(why) = judged {
                unhealthy.insert(id.clone(), why);
            }
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, why) in &unhealthy {
            if known.unhealthy.get(id) != Some(why) {
                log::warn!("{} {id} is unhealthy: {why}", self.resource);
            }
        }
        for id in known.unhealthy.keys().filter(|id| !unhealthy.contains_key(*id)) {
            log::info!("{} {id} is healthy again", self.resource);
        }
        let is_free = |id: &&String| !unhealthy.contains_key(*id) && !claims.contains(*id);
        let counts = Counts {
            devices: pool.members.len(),
            free: pool.members.keys().filter(is_free).count(),
            unhealthy: unhealthy.len(),
        };
        *known = Known { pool: pool.clone(), unhealthy, counts };
        drop(known);
        self.devices.send_if_modified(|told| {
            let changed = *told != devices;
            *told = devices;
            changed
        });
    }

    /// How many devices there are, and what of them.
    pub(crate) fn counts(&self) -> Counts {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).counts
    }
}

fn tells_topology(pool: &Pool) -> bool {
    !matches!(&pool.spec.kind, Kind::Vfs(vfs) if vfs.exclude_topology)
}

impl Resource for Offer {
    fn name(&self) -> &str {
        &self.resource
    }

    fn devices(&self) -> watch::Receiver<Vec<Device>> {
        self.devices.subscribe()
    }

    fn prefer(&self, choice: Choice) -> Vec<String> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let prefer = match &known.pool.spec.kind {
            Kind::Vfs(vfs) => vfs.prefer,
            Kind::Slots(_) => Prefer::Packed,
        };
        prefer::prefer(&known.pool.members, prefer, choice)
    }

    fn allocate(&self, ids: &[String]) -> Result<Allocated, Refusal> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for id in ids {
            if !known.pool.members.contains_key(id) {
                return Err(Refusal(format!("{id} is no device of {}", self.resource)));
            }
            if let Some(why) = known.unhealthy.get(id) {
                return Err(Refusal(format!("{id} cannot be handed out: {why}")));
            }
        }
        allocate::allocate(&self.host, &known.pool, self.by_cdi, ids)
    }
}
