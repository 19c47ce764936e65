//! The answers to kube-scheduler: which nodes may take a pod (filter), which are best (prioritize), on which
//! it makes sense to make room (preempt). Functions of the question and the table of nodes.
//!
//! A pod without a budget is nobody's business here: all nodes pass, none is better.

use anyhow::{Context, Result, bail, ensure};
use jiff::Timestamp;
use policy::{Demand, Fit, Misfit, Node};
use serde::{Deserialize, Serialize};

use crate::nodes::Table;
use crate::wire::{
    Args, Filtered, FullPod, Pod, Preempted, PreemptionArgs, Score, Text, Uid, Victims,
};

/// A verb's answer to a body.
pub(crate) type Verb = fn(&[u8], &Table, Timestamp) -> Result<Vec<u8>>;

/// The scores of those nodes that have one above 0.
///
/// # Errors
/// The body is no question.
pub(crate) fn prioritize(body: &[u8], table: &Table, now: Timestamp) -> Result<Vec<u8>> {
    let args: Args = read(body)?;
    let names = names(&args)?;
    let mut answer = Vec::new();
    if let Wanted::Path(demand) = Wanted::of(args.pod.as_ref()) {
        // Looking up is waiting for memory. Nothing in between: so it waits for many of them at once.
        let found: Vec<_> = names.map(|host| (host, table.get(host))).collect();
        let scores = found.into_iter().map(|(host, node)| {
            let fit = judge(&demand, node, now);
            Score { host, score: fit.map_or(0, |fit| fit.score()) }
        });
        answer.extend(scores.filter(|one| one.score > 0));
    }
    write(&answer, body.len())
}

/// Which of the nodes may take the pod, and why others may not.
///
/// # Errors
/// The body is no question.
pub(crate) fn filter(body: &[u8], table: &Table, now: Timestamp) -> Result<Vec<u8>> {
    let args: Args = read(body)?;
    let wanted = Wanted::of(args.pod.as_ref());
    let mut filtered = Filtered::default();
    for name in names(&args)? {
        match wanted.refusal(table.get(name), now) {
            None => filtered.node_names.push(name),
            Some(Refusal { why, for_good }) => {
                if for_good {
                    filtered.failed_and_unresolvable_nodes.insert(name, why.clone());
                }
                filtered.failed_nodes.insert(name, why);
            }
        }
    }
    write(&filtered, body.len())
}

/// Those of the nodes on which the pod could run, with the same victims.
///
/// # Errors
/// The body is no question.
pub(crate) fn preempt(body: &[u8], table: &Table, now: Timestamp) -> Result<Vec<u8>> {
    let PreemptionArgs { pod, victims, meta_victims } = read(body)?;
    let wanted = Wanted::of(pod.as_ref());
    let victims = match meta_victims.filter(|nodes| !nodes.is_empty()) {
        Some(nodes) => nodes,
        None => victims.unwrap_or_default().into_iter().map(in_short).collect(),
    };
    let mut preempted = Preempted::default();
    for (Text(name), victims) in &victims {
        let useful = !name.is_empty() && wanted.refusal(table.get(&**name), now).is_none();
        if let Some(Victims { pods, violations }) = victims.as_ref().filter(|_| useful) {
            let victims = Victims { pods: pods.clone(), violations: *violations };
            preempted.node_name_to_meta_victims.insert(name, victims);
        }
    }
    write(&preempted, body.len())
}

/// What the pod wants.
enum Wanted {
    /// Anything.
    Any,
    /// A path within a budget.
    Path(Demand),
    /// What no node can give: its annotations are wrong, or admission did not see it.
    Nothing(policy::Error),
}

/// Why a node may not take a pod.
struct Refusal {
    why: String,
    /// It is no use to make room there.
    for_good: bool,
}

impl Wanted {
    fn of(pod: Option<&Pod>) -> Self {
        match Demand::from_annotations(|key| pod?.annotation(key)) {
            Ok(None) => Self::Any,
            Ok(Some(demand)) => Self::Path(demand),
            Err(error) => Self::Nothing(error),
        }
    }

    fn refusal(&self, node: Option<&Node>, now: Timestamp) -> Option<Refusal> {
        match self {
            Self::Any => None,
            Self::Path(demand) => {
                let misfit = judge(demand, node, now).err()?;
                let for_good = !matches!(misfit, Misfit::Full { .. });
                Some(Refusal { why: misfit.to_string(), for_good })
            }
            Self::Nothing(error) => Some(Refusal { why: error.to_string(), for_good: true }),
        }
    }
}

/// A node that the watch has not told of, a new one as a rule, counts as not measured: kube-scheduler has
/// compared its labels with what admission requires before it asks here. Refused, the pod would wait for
/// the next thing to happen in the cluster.
fn judge(demand: &Demand, node: Option<&Node>, now: Timestamp) -> Result<Fit, Misfit> {
    node.map_or(Ok(Fit::Unmeasured), |node| demand.fit(node, now))
}

/// The names of the nodes that are asked about. An empty one is none.
fn names<'a>(args: &'a Args) -> Result<impl Iterator<Item = &'a str>> {
    if args.node_names.is_none() && args.nodes.is_some() {
        bail!("there are Nodes and no NodeNames: set nodeCacheCapable: true for this extender");
    }
    let names = args.node_names.iter().flatten().map(|Text(name)| &**name);
    Ok(names.filter(|name| !name.is_empty()))
}

/// Victims by their uids, as answers have them.
fn in_short(
    (node, victims): (Text<'_>, Option<Victims<FullPod>>),
) -> (Text<'_>, Option<Victims<Uid>>) {
    let victims = victims.map(|Victims { pods, violations }| {
        let pods = pods.map(|pods| pods.into_iter().map(|pod| pod.metadata).collect());
        Victims { pods, violations }
    });
    (node, victims)
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T> {
    let why = "this is no question of kube-scheduler's";
    // Checked once for all of it, also for what is skipped.
    let text = str::from_utf8(body).context(why)?;
    // A list of its values would do for serde as well.
    ensure!(text.trim_ascii_start().starts_with('{'), "{why}: it is no JSON object");
    serde_json::from_str(text).context(why)
}

/// The answer to a question of so many bytes. It is about as long when it names as many nodes.
fn write(answer: &impl Serialize, question: usize) -> Result<Vec<u8>> {
    let mut json = Vec::with_capacity(question);
    serde_json::to_writer(&mut json, answer).context("the answer cannot be written")?;
    Ok(json)
}

#[cfg(test)]
#[path = "extender_tests.rs"]
mod tests;
