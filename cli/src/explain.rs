//! `fastpath explain`: which nodes a pod with a latency budget may go to, and why not to the others.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use jiff::Timestamp;
use policy::{Bands, Budget, Demand, Error, NodeObject, NodeObjects};
use serde_json::Value;

/// Say of each node whether a pod with a latency budget may go there, how well it suits, or why not
#[derive(Args)]
pub(crate) struct Explain {
    /// The pod, YAML or JSON
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// The nodes, as `kubectl get nodes -o json` prints them
    #[arg(long, value_name = "FILE")]
    nodes: PathBuf,
}

impl Explain {
    /// Fails when no node will do.
    pub(crate) fn run(&self) -> Result<ExitCode> {
        let pod = serde_saphyr::from_str(&read(&self.file)?);
        let pod: Value = pod.with_context(|| format!("{} is no YAML", self.file.display()))?;
        let nodes = serde_json::from_str(&read(&self.nodes)?);
        let nodes: NodeObjects =
            nodes.with_context(|| format!("{} lists no nodes", self.nodes.display()))?;
        let nodes = nodes.items.unwrap_or_default();
        let (text, fits) = explain(&pod, &nodes, Timestamp::now())?;
        io::stdout().write_all(text.as_bytes()).context("write to stdout")?;
        Ok(if fits { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("read {}", file.display()))
}

/// A line for each node, the best first; and whether the pod can go anywhere.
fn explain(pod: &Value, nodes: &[NodeObject], now: Timestamp) -> Result<(String, bool)> {
    let name = pod["metadata"]["name"].as_str().unwrap_or("of this file");
    let Some(demand) = demand(pod)? else {
        return Ok((format!("pod {name} has no latency budget: any node will do\n"), true));
    };
    let mut lines: Vec<(Option<u8>, &str, String)> = nodes
        .iter()
        .map(|node| {
            let (score, why) = match demand.fit(&node.node(), now) {
                Ok(fit) => (Some(fit.score()), fit.to_string()),
                Err(misfit) => (None, misfit.to_string()),
            };
            (score, node.metadata.name.as_str(), why)
        })
        .collect();
    lines.sort_by_key(|(score, name, _)| (std::cmp::Reverse(*score), *name));
    let width = lines.iter().map(|(_, name, _)| name.len()).max().unwrap_or(0).max(4);
    let mut text = format!("pod {name}: budget {}, path {}\n", demand.budget, demand.path);
    writeln!(text, "{:<width$}  score  why", "node")?;
    for (score, node, why) in &lines {
        let score = score.map_or_else(|| "-".to_owned(), |score| score.to_string());
        writeln!(text, "{node:<width$}  {score:>5}  {why}")?;
    }
    Ok((text, lines.iter().any(|(score, ..)| score.is_some())))
}

/// What admission stamped on the pod, or would.
fn demand(pod: &Value) -> Result<Option<Demand>, Error> {
    let annotations = &pod["metadata"]["annotations"];
    let given = |key: &str| annotations[key].as_str();
    match Demand::from_annotations(given) {
        Err(Error::NotAdmitted) => {
            let Some(budget) = Budget::from_annotations(given)? else { return Ok(None) };
            let path = Bands::default().path(budget)?.to_string();
            let stamped =
                |key: &str| if key == policy::PATH { Some(path.as_str()) } else { given(key) };
            Demand::from_annotations(stamped)
        }
        demand => demand,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn nodes() -> Vec<NodeObject> {
        let node =
            |name: &str, labels: Value| json!({"metadata": {"name": name, "labels": labels}});
        let list = json!({"items": [
            node("plain", json!({})),
            node("slow", json!({"fastpath.dev/vf": "true", "fastpath.dev/vf-p99-us": "1250"})),
            node("unmeasured", json!({"fastpath.dev/vf": "true"})),
            node("quick", json!({"fastpath.dev/vf": "true", "fastpath.dev/vf-p99-us": "40"})),
        ]});
        let list: NodeObjects = serde_json::from_value(list).unwrap();
        list.items.unwrap()
    }

    fn of(annotations: &Value) -> Result<(String, bool)> {
        let pod = json!({"metadata": {"name": "web", "annotations": annotations}});
        explain(&pod, &nodes(), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn the_best_node_is_first_and_the_others_are_told_why_not() {
        let (text, fits) = of(&json!({"latency": "1000"})).unwrap();
        assert!(fits);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "pod web: budget 1000 µs, path vf");
        let names: Vec<&str> = lines[2..].iter().map(|l| l.split(' ').next().unwrap()).collect();
        assert_eq!(names, ["quick", "unmeasured", "plain", "slow"]);
        assert!(lines[4].contains("-  it has no path vf"), "{text}");
        assert!(lines[5].contains("1250 µs, above the budget of 1000 µs"), "{text}");
    }

    #[test]
    fn a_pod_that_no_node_suits_is_told_by_the_status() {
        let measured = json!({"latency": "5001", "fastpath.dev/require-measured": "true"});
        let (text, fits) = of(&measured).unwrap();
        assert!(!fits && text.contains("path ovs-dpdk"), "{text}");
    }

    #[test]
    fn a_stamp_is_not_chosen_again_and_nonsense_is_refused() {
        let (text, _) = of(&json!({"latency": "9000", "fastpath.dev/path": "vf"})).unwrap();
        assert!(text.starts_with("pod web: budget 9000 µs, path vf\n"), "{text}");
        assert!(of(&json!({})).unwrap().0.contains("any node will do"));
        let error = of(&json!({"latency": "799"})).unwrap_err().to_string();
        assert!(error.contains("the least that works is 800"), "{error}");
        assert!(of(&json!({"latency": "5e3"})).is_err());
    }
}
