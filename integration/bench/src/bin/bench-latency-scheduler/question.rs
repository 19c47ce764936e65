//! What kube-scheduler asks, as it was recorded, with more nodes; and what is wrong with an answer.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::nodes;

const RECORDED: &str = include_str!("../../../../../scheduler/tests/wire/1.20-prioritize.json");
/// Who else has written fields of the pod: a few KB of managedFields.
const MANAGERS: [&str; 3] = ["kubectl-client-side-apply", "latency-scheduler", "kube-scheduler"];
/// Has no divisor in common with the number of nodes.
const STRIDE: usize = 7919;

/// A question about some nodes.
pub(crate) struct Question {
    pub(crate) body: Vec<u8>,
    /// Numbers of the nodes, by their names.
    asked: HashMap<String, usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Score {
    host: String,
    score: i64,
}

impl Question {
    /// About so many of all nodes, others each time, as kube-scheduler goes around; in an order of its own,
    /// not in that in which the API server told of them.
    pub(crate) fn new(round: usize, names: usize, all: usize) -> Result<Self> {
        let numbers = (0..names).map(|nth| (round * names + nth) * STRIDE % all);
        let (names, asked): (Vec<_>, HashMap<_, _>) =
            numbers.map(|nth| (nodes::name(nth), (nodes::name(nth), nth))).unzip();
        // Pod first, as Go writes it.
        let (pod, names) = (pod()?, json!(names));
        let body = format!("{{\"Pod\":{pod},\"Nodes\":null,\"NodeNames\":{names}}}\n").into_bytes();
        Ok(Self { body, asked })
    }

    /// Only nodes that were asked about, each once, have scores of 0 to 10; a faster one has no lower score
    /// than a slower one, and the fastest a higher one than the slowest.
    pub(crate) fn check(&self, answer: &[u8]) -> Result<()> {
        let answer: Vec<Score> = serde_json::from_slice(answer).context("no list of scores")?;
        let mut scores: HashMap<usize, i64> = HashMap::new();
        for Score { host, score } in answer {
            let nth = self.asked.get(&host).with_context(|| format!("{host} was not asked for"))?;
            ensure!((0..=10).contains(&score), "{host} has a score of {score}");
            ensure!(scores.insert(*nth, score).is_none(), "{host} is answered twice");
        }
        let mut levels: HashMap<u64, i64> = HashMap::new();
        for nth in self.asked.values() {
            let score = scores.get(nth).copied().unwrap_or(0);
            let level = *levels.entry(nodes::p99_us(*nth)).or_insert(score);
            ensure!(level == score, "node {nth} has {score}, others that are as fast {level}");
        }
        let mut levels: Vec<_> = levels.into_iter().collect();
        levels.sort_unstable();
        ensure!(
            levels.is_sorted_by(|fast, slow| fast.1 > slow.1),
            "the order is wrong: {levels:?}"
        );
        Ok(())
    }
}

/// The recorded pod, with a budget.
fn pod() -> Result<Value> {
    let mut question: Value = serde_json::from_str(RECORDED).context("the recorded question")?;
    let pod = &mut question["Pod"];
    pod["metadata"]["annotations"]["latency"] = json!("5000");
    pod["metadata"]["annotations"]["fastpath.dev/path"] = json!("vf");
    let fields = pod["metadata"]["managedFields"][0].clone();
    let managed = MANAGERS.map(|manager| {
        let mut fields = fields.clone();
        fields["manager"] = json!(manager);
        fields
    });
    pod["metadata"]["managedFields"] = json!(managed);
    Ok(pod.take())
}
