//! What becomes of a pod that is to be created.

use std::collections::BTreeMap;

use npwg::annotation::NETWORKS;
use policy::{Budget, Datapath, PATH, Table, interfaces, require_measured};

use super::affinity::{alternatives, prefer_plain_nodes, require};
use super::choice::{Chosen, labelled, selection};
use super::networks::{Network, Networks};
use super::pod::Pod;
use super::{Refusal, Settings};

/// Annotation `"false"`: leave the pod alone.
const INJECT: &str = "fastpath.dev/inject";

/// Annotation with the container that gets the devices.
const CONTAINER: &str = "fastpath.dev/container";

/// Annotation of a pod that a kubelet reports to the API server: a static one, which runs already.
const MIRROR: &str = "kubernetes.io/config.mirror";

/// The budget of a pod that is our business; none when it has none, or is to be left alone.
pub(crate) fn budget(pod: &Pod) -> Result<Option<Budget>, Refusal> {
    if pod.annotation(MIRROR).is_some() {
        return Ok(None);
    }
    // What only looks like a budget counts, too: it belongs to a pod that wants none of ours.
    let has_one = [policy::LATENCY, policy::LATENCY_WITH_UNIT]
        .iter()
        .any(|key| pod.annotation(key).is_some());
    match pod.annotation(INJECT).filter(|_| has_one) {
        Some("false") => Ok(None),
        None | Some("true") => Ok(Budget::from_annotations(|key| pod.annotation(key))?),
        Some(text) => Err(Refusal::Policy(policy::Error::Annotation {
            annotation: INJECT,
            found: format!("{:?}", text.chars().take(40).collect::<String>()),
            want: "\"true\" or \"false\"",
        })),
    }
}

/// Gives the pod what its budget takes. Returns warnings for its author.
pub(crate) fn mutate(
    pod: &mut Pod,
    settings: &Settings,
    known: &dyn Networks,
) -> Result<Vec<String>, Refusal> {
    let Some(budget) = budget(pod)? else { return Ok(Vec::new()) };
    let interfaces = interfaces(|key| pod.annotation(key))?;
    let require_measured = require_measured(|key| pod.annotation(key))?;

    let table = &settings.table;
    let chosen = Chosen::of(pod, table, known)?;
    let path = chosen.path(budget, &table.bands)?;
    stamp(pod, path)?;
    let mut networks = chosen.networks;
    if networks.is_empty()
        && let Some(resource) = Table::resource(path)
    {
        let mut network = labelled(path, pod, settings, known)?;
        pod.annotate(NETWORKS, &selection(&network, interfaces));
        network.resource.get_or_insert_with(|| resource.to_owned());
        networks = (0..interfaces).map(|_| network.clone()).collect();
    }
    request(pod, &networks)?;
    let places = alternatives(path, budget, &table.bands, require_measured);
    require(pod.affinity(), &places)?;
    if path == Datapath::Kernel {
        prefer_plain_nodes(pod.affinity(), &table.bands)?;
    }
    Ok(warnings(pod, path))
}

/// Writes down what was decided. Nobody else decides it.
fn stamp(pod: &mut Pod, path: Datapath) -> Result<(), Refusal> {
    match pod.annotation(PATH) {
        None => pod.annotate(PATH, path.as_str()),
        Some(stamp) if stamp == path.as_str() => {}
        Some(stamp) => {
            let found = stamp.chars().take(40).collect();
            return Err(Refusal::Stamped { found, path });
        }
    }
    Ok(())
}

/// Requests a device for each network that attaches one. A pod that requests devices of ours has done so
/// for all of them.
fn request(pod: &mut Pod, networks: &[Network]) -> Result<(), Refusal> {
    if !pod.own_resources().is_empty() {
        return Ok(());
    }
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for resource in networks.iter().filter_map(|network| network.resource.as_deref()) {
        *counts.entry(resource).or_default() += 1;
    }
    // Devices of others may have been requested by the pod or another webhook.
    counts.retain(|resource, _| !pod.resources().contains(resource));
    if counts.is_empty() {
        return Ok(());
    }
    let container = container(pod)?;
    for (resource, count) in counts {
        pod.request(container, resource, count);
    }
    Ok(())
}

/// The container that gets the devices: the one that the pod names, or the first.
fn container(pod: &Pod) -> Result<usize, Refusal> {
    let names = pod.containers();
    let wanted = pod.annotation(CONTAINER);
    let index = match wanted {
        Some(wanted) => names.iter().position(|name| *name == wanted),
        None => (!names.is_empty()).then_some(0),
    };
    index.ok_or_else(|| Refusal::Container {
        name: wanted.unwrap_or_default().chars().take(253).collect(),
        has: if names.is_empty() { "none".to_owned() } else { shown(&names) },
    })
}

/// Names that nobody has checked yet, fit for a message.
fn shown(names: &[&str]) -> String {
    names.join(", ").chars().filter(|c| !c.is_control()).take(253).collect()
}

fn warnings(pod: &Pod, path: Datapath) -> Vec<String> {
    let has_pages = pod.resources().iter().any(|name| name.starts_with("hugepages-"));
    if matches!(path, Datapath::Vf | Datapath::OvsDpdk) && !has_pages {
        let text =
            "no container requests hugepages-2Mi or hugepages-1Gi, which programs with DPDK need";
        return vec![format!("fastpath.dev/path={path}: {text}")];
    }
    Vec::new()
}
