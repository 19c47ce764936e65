//! Which path a pod takes, and through which networks.

use npwg::annotation::NETWORKS;
use policy::{Bands, Budget, Datapath, Table};
use serde_json::json;

use super::networks::{Network, Networks};
use super::pod::Pod;
use super::{Refusal, Settings};

/// What a pod has chosen itself: networks by name, in their order, and resources.
pub(crate) struct Chosen {
    /// The networks; one that is named twice is there twice.
    pub(crate) networks: Vec<Network>,
    /// All that it names with a path that is known: for messages, and the path.
    paths: Vec<(String, Datapath)>,
}

impl Chosen {
    /// Looks up what the pod names.
    pub(crate) fn of(pod: &Pod, table: &Table, known: &dyn Networks) -> Result<Self, Refusal> {
        let annotation = pod.annotation(NETWORKS).unwrap_or_default();
        let mut networks: Vec<Network> = Vec::new();
        for selection in npwg::selections(annotation, pod.namespace())? {
            let same =
                |one: &&Network| one.name == selection.name && one.namespace == selection.namespace;
            let network = match networks.iter().find(same) {
                Some(network) => network.clone(),
                None => known.named(&selection.namespace, &selection.name)?,
            };
            networks.push(network);
        }
        let by_network = networks
            .iter()
            .filter_map(|one| Some((format!("network {}", one.full_name()), one.path(table)?)));
        let by_resource = pod
            .own_resources()
            .into_iter()
            .filter_map(|name| Some((format!("resource {name}"), table.path(name)?)));
        let paths = by_network.chain(by_resource).collect();
        Ok(Self { networks, paths })
    }

    /// The path of a pod with this budget: that of its band, unless the pod has chosen others. Those all have to
    /// serve the budget, and the slowest of them counts. A network of which no path is known is beside the
    /// point: it may be for management.
    pub(crate) fn path(&self, budget: Budget, bands: &Bands) -> Result<Datapath, Refusal> {
        let wanted = bands.path(budget)?;
        for (what, path) in &self.paths {
            if slower(*path, wanted, bands) {
                let (what, path) = (what.clone(), *path);
                return Err(Refusal::TooSlow { what, path, budget, wanted });
            }
        }
        // One without a band promises least.
        let rank = |path: &Datapath| place(*path, bands).unwrap_or(usize::MAX);
        match self.paths.iter().map(|(_, path)| *path).max_by_key(rank) {
            Some(path) => Ok(path),
            None if self.networks.is_empty() || wanted == Datapath::Kernel => Ok(wanted),
            None => Err(Refusal::NoPath { budget, path: wanted }),
        }
    }
}

/// Whether a path is too slow where another one is wanted. One without a band is not: the figures decide then.
pub(crate) fn slower(path: Datapath, wanted: Datapath, bands: &Bands) -> bool {
    place(path, bands) > place(wanted, bands)
}

/// The place of a path's band among the others.
fn place(path: Datapath, bands: &Bands) -> Option<usize> {
    bands.iter().position(|band| band.path == path)
}

/// The one network for a path: in the pod's namespace, or else in the one that all share.
pub(crate) fn labelled(
    path: Datapath,
    pod: &Pod,
    settings: &Settings,
    known: &dyn Networks,
) -> Result<Network, Refusal> {
    let own = pod.namespace();
    let shared = settings.shared_namespace.as_deref().filter(|shared| *shared != own);
    let mut looked = vec![own];
    let mut found = known.labelled(own, path)?;
    if let Some(shared) = shared.filter(|_| found.is_empty()) {
        looked.push(shared);
        found = known.labelled(shared, path)?;
    }
    if let [one] = &found[..] {
        return Ok(one.clone());
    }
    let names: Vec<_> = found.iter().map(Network::full_name).collect();
    let found = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    Err(Refusal::Networks { path, found, namespaces: looked.join(" and ") })
}

/// The annotation that names a network so many times.
pub(crate) fn selection(network: &Network, interfaces: u64) -> String {
    // The JSON form, since the names of the other one have no dots.
    let one = json!({"namespace": network.namespace, "name": network.name});
    json!((0..interfaces).map(|_| &one).collect::<Vec<_>>()).to_string()
}
