//! The networks that the configuration itself names: known without API server, so that DEL without a
//! record, GC and STATUS can ask for them too.

use std::path::Path;

use cni::Request;
use cni::runtime::NetworkList;
use serde_json::{Map, Value};

use crate::conf::Conf;
use crate::error::MultusError;
use crate::on_disk;
use crate::plan::{Planner, Wanted};
use crate::record::Attachment;

/// The delegates, the default network first; none when `clusterNetwork` names it.
pub(crate) fn delegates(conf: &Conf) -> Vec<Wanted> {
    let wanted = |delegate: &crate::conf::Delegate| Wanted {
        ifname: delegate.ifname.clone(),
        ..Wanted::of(delegate.network.clone())
    };
    conf.delegates.iter().map(wanted).collect()
}

/// `clusterNetwork` as a network of this node's disk; none when there is no such.
pub(crate) fn cluster_network(conf: &Conf) -> Option<Result<Wanted, MultusError>> {
    let name = conf.cluster_network.as_ref()?;
    match on_disk::cluster(conf, name) {
        // Then it is the name of a definition.
        Err(MultusError::NotOnDisk { .. }) if !on_disk::is_path(name) => None,
        found => Some(found.and_then(|list| Wanted::of_list(&list))),
    }
}

/// The same where no definition can be asked for.
pub(crate) fn required_cluster_network(conf: &Conf, name: &str) -> Result<Wanted, MultusError> {
    Wanted::of_list(&on_disk::cluster(conf, name)?)
}

/// All networks of the configuration that are known on this node.
pub(crate) fn networks(conf: &Conf) -> Vec<Result<NetworkList, MultusError>> {
    let list = |wanted: Wanted| {
        NetworkList::load(Value::from(wanted.network).to_string().as_bytes())
            .map_err(|error| MultusError::network(error, &wanted.name))
    };
    let cluster = cluster_network(conf).into_iter().map(|wanted| wanted.and_then(list));
    cluster.chain(delegates(conf).into_iter().map(list)).collect()
}

/// What DEL without a record tries: these networks, under the names that ADD would give them.
pub(crate) fn attachments(conf: &Conf, request: &Request, device_info: &Path) -> Vec<Attachment> {
    let cluster = cluster_network(conf)
        .into_iter()
        .filter_map(|wanted| wanted.inspect_err(|error| log::warn!("{}", cni::chain(error))).ok());
    let wanted: Vec<Wanted> = cluster.chain(delegates(conf)).collect();
    let mut planner = Planner::new(request, device_info);
    let mut attachments = Vec::new();
    for wanted in wanted {
        match planner.plan(wanted, None) {
            Ok(one) => attachments.push(one.attachment),
            Err(error) => log::warn!("{}", cni::chain(&error)),
        }
    }
    attachments
}

/// A network as JSON, from the complete list.
pub(crate) fn object(list: &NetworkList) -> Result<Map<String, Value>, MultusError> {
    serde_json::from_slice(list.raw()).map_err(|error| {
        let error = cni::Error::new(cni::code::DECODE, "decode the network", error.to_string());
        MultusError::network(error, &list.name)
    })
}
