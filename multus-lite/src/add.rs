//! ADD: find out, record, attach the default network while the rest is prepared, attach the rest,
//! publish. When a step fails, everything is detached again.

use std::thread;
use std::time::{Duration, Instant};

use attachment::{LOCK_DEADLINE, owner_of, record_of};
use cni::{AddResult, Request, logging, runtime};
use hostnet::Netns;
use journal::{Durability, Entry, Owner};

use crate::attach::{Attaching, attachments};
use crate::conf::Conf;
use crate::error::MultusError;
use crate::kubernetes::Kubernetes;
use crate::plan::{Planner, Wanted};
use crate::record::Detail;
use crate::{MultusLite, NAME, statics};

/// How long ADD waits for the file that says that the default network is ready.
const READY_DEADLINE: Duration = Duration::from_secs(45);

pub(crate) fn add(plugin: &MultusLite, request: &Request) -> Result<AddResult, cni::Error> {
    let owner = owner_of(request);
    logging::init_of(&request.conf, &owner.to_string());
    let conf = Conf::of(&request.conf).map_err(MultusError::from)?;
    conf.warnings.iter().for_each(|warning| log::warn!("{warning}"));
    Ok(attach_pod(plugin, request, &conf, &owner)?)
}

fn attach_pod(
    plugin: &MultusLite,
    request: &Request,
    conf: &Conf,
    owner: &Owner,
) -> Result<AddResult, MultusError> {
    wait_until_ready(conf)?;
    let netns = sandbox(request)?;
    let journal = plugin.journal()?;
    let _no_gc = plugin.locks.shared(NAME, LOCK_DEADLINE)?;
    let _lock = plugin.locks.owner(owner, LOCK_DEADLINE)?;
    if journal.find(owner)?.is_some() {
        return Err(MultusError::AlreadyAttached(owner.to_string()));
    }
    let kubernetes = Kubernetes::of(plugin, request, conf)?;
    let selections = kubernetes.as_ref().map_or(Ok(Vec::new()), Kubernetes::selections)?;

    let path = conf.search_path(&request.path);
    let mut planning = Planner::new(request, &plugin.places.device_info);
    let mut planned = Vec::new();
    for wanted in first(conf, kubernetes.as_ref())? {
        planned.push(planning.plan(wanted, None)?);
    }
    for one in &planned {
        runtime::find_plugins(&one.list, &path)
            .map_err(|error| MultusError::delegate(error, &one.attachment))?;
    }
    let detail =
        Detail { netns: netns.id()?, path: path.clone(), attachments: attachments(&planned) };
    let record = record_of(&journal, request, detail);
    let entry = Entry { claim: None, owner: owner.clone() };
    journal.write(&entry, &record, Durability::Volatile)?;

    let attaching = Attaching {
        places: &plugin.places,
        netns: &netns,
        journal: &journal,
        entry: &entry,
        record,
        kubernetes: kubernetes.as_ref(),
        path: &path,
        planned,
        results: Vec::new(),
    };
    attaching.run(planning, selections)
}

/// Waits for `readinessindicatorfile`, which the daemon of the default network writes.
fn wait_until_ready(conf: &Conf) -> Result<(), MultusError> {
    let Some(file) = &conf.readiness_indicator_file else { return Ok(()) };
    let end = Instant::now() + READY_DEADLINE;
    while !file.exists() {
        if Instant::now() >= end {
            return Err(MultusError::NotReady { file: file.clone() });
        }
        thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}

/// The pod's namespace, which is not the host's.
fn sandbox(request: &Request) -> Result<Netns, MultusError> {
    let path = request.netns.as_deref().ok_or(MultusError::Netns("not set"))?;
    let netns = Netns::open(path)?;
    if netns.id()?.is_same(&Netns::current()?.id()?) {
        return Err(MultusError::Netns("the host's own network namespace"));
    }
    Ok(netns)
}

/// The default network and the static delegates: what can be planned before the rest is known.
fn first(conf: &Conf, kubernetes: Option<&Kubernetes<'_>>) -> Result<Vec<Wanted>, MultusError> {
    let mut wanted = statics::delegates(conf);
    let cluster = match (&conf.cluster_network, kubernetes) {
        (None, _) => None,
        (Some(name), Some(kubernetes)) => Some(kubernetes.cluster_network(name)?),
        (Some(name), None) => Some(statics::required_cluster_network(conf, name)?),
    };
    wanted.splice(..0, cluster);
    if let Some(other) = kubernetes.map_or(Ok(None), Kubernetes::default_network)? {
        wanted.splice(..1, [other]);
    }
    Ok(wanted)
}
