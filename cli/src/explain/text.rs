//! What is printed of a pod and the nodes.

use std::cmp::Reverse;
use std::fmt::Write as _;

use anyhow::Result;
use jiff::Timestamp;
use policy::Node;

use super::pod::{Pod, Wanted};

/// All that there is to say of a pod.
pub(super) struct Explained {
    pub(super) pod: Pod,
    /// None when it has no budget.
    pub(super) wanted: Option<Wanted>,
    /// Where the bands are from.
    pub(super) bands: String,
    /// By name.
    pub(super) nodes: Vec<(String, Node)>,
}

impl Explained {
    /// A line for each node, the best first; and whether the pod can go anywhere.
    pub(super) fn tell(&self, now: Timestamp) -> Result<(String, bool)> {
        let Self { pod, wanted, bands, nodes } = self;
        let name = format!("{}/{}", pod.namespace(), pod.name());
        let Some(wanted) = wanted else {
            return Ok((format!("pod {name} has no latency budget: any node will do\n"), true));
        };
        let mut lines: Vec<_> =
            nodes.iter().map(|(name, node)| line(name, node, wanted, now)).collect();
        lines.sort_by_key(|line| (Reverse(line.score), line.name));

        let mut text = format!("pod {name}: {}\nbands: {bands}\n", summary(wanted));
        if let Some(node) = pod.node() {
            writeln!(text, "it is on node {node}, marked *")?;
        }
        let here = |line: &Line<'_>| if pod.node() == Some(line.name) { "*" } else { "" };
        let width =
            lines.iter().map(|line| line.name.len() + here(line).len()).max().unwrap_or(0).max(4);
        writeln!(text, "{:<width$}  score  why", "node")?;
        for line in &lines {
            let name = format!("{}{}", line.name, here(line));
            let score = line.score.map_or_else(|| "-".to_owned(), |score| score.to_string());
            writeln!(text, "{name:<width$}  {score:>5}  {}", line.why)?;
        }
        Ok((text, lines.iter().any(|line| line.score.is_some())))
    }
}

/// `budget 5000 µs, path vf (stamped at its creation), wants 1 fastpath.dev/vf`.
fn summary(Wanted { demand, stamped, resource }: &Wanted) -> String {
    let why = if *stamped { "stamped at its creation" } else { "by the bands; not stamped" };
    let wants = resource.as_ref().map(|name| format!(", wants {} {name}", demand.interfaces));
    format!("budget {}, path {} ({why}){}", demand.budget, demand.path, wants.unwrap_or_default())
}

struct Line<'a> {
    name: &'a str,
    score: Option<u8>,
    why: String,
}

fn line<'a>(name: &'a str, node: &Node, wanted: &Wanted, now: Timestamp) -> Line<'a> {
    let Wanted { demand, resource, .. } = wanted;
    let (score, why) = match demand.fit(node, now) {
        Ok(fit) => (Some(fit.score()), fit.to_string()),
        Err(misfit) => (None, misfit.to_string()),
    };
    let free = node.offer(demand.path).free.filter(|_| score.is_some());
    let free = free.zip(resource.as_ref()).map(|(free, name)| format!("; {free} {name} free"));
    Line { name, score, why: why + &free.unwrap_or_default() }
}
