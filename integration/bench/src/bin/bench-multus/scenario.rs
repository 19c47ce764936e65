//! What a pod gets: so many networks, from the configuration or from an API server.

use std::path::{Path, PathBuf};
use std::process::Command;

use bench::call::{Call, Verb};
use serde_json::{Value, json};

use crate::bed::{Bed, DELEGATE};
use crate::contender::Contender;

/// How many networks are attached in the scenarios without API server.
pub(crate) const SIZES: [usize; 4] = [1, 2, 4, 8];

const VERSION: &str = "1.0.0";
/// The only pod.
pub(crate) const CONTAINER: &str = "bench";

/// A pod and its networks, each of which is one call of the delegate.
#[derive(Debug)]
pub(crate) struct Scenario {
    /// Name in the tables.
    pub(crate) name: String,
    /// The default network and the others.
    pub(crate) networks: usize,
    /// What each contender is configured with.
    confs: Vec<String>,
    args: String,
    netns: String,
    plugins: PathBuf,
}

impl Scenario {
    /// So many delegates, named in the configuration.
    pub(crate) fn of_delegates(networks: usize, contenders: &[Contender], bed: &Bed) -> Self {
        let delegates: Vec<Value> = (0..networks).map(network).collect();
        let conf = conf(&delegates, &bed.plugins).to_string();
        let plural = if networks == 1 { "" } else { "s" };
        let name = format!("{networks} delegate{plural}");
        Self::new(name, networks, vec![conf; contenders.len()], String::new(), bed)
    }

    /// `confs` and `args` make each contender attach `networks` networks.
    pub(crate) fn new(
        name: String,
        networks: usize,
        confs: Vec<String>,
        args: String,
        bed: &Bed,
    ) -> Self {
        let (netns, plugins) = (bed.pod.path().to_owned(), bed.plugins.clone());
        Self { name, networks, confs, args, netns, plugins }
    }

    /// What the contender reads on its standard input.
    pub(crate) fn conf(&self, contender: usize) -> &str {
        &self.confs[contender]
    }

    /// A call of a contender.
    pub(crate) fn command(&self, verb: Verb, program: &Path) -> Command {
        self.call(verb, "eth0").of(program)
    }

    /// The calls of the delegate that a contender makes, in their order, with their standard input.
    pub(crate) fn delegates(&self, verb: Verb) -> Vec<(Command, String)> {
        let program = self.plugins.join(DELEGATE);
        let one = |index| {
            let call = self.call(verb, "");
            let command = Call { ifname: &ifname(index), ..call }.of(&program);
            (command, network(index).to_string())
        };
        match verb {
            Verb::Add => (0..self.networks).map(one).collect(),
            Verb::Del => (0..self.networks).rev().map(one).collect(),
        }
    }

    fn call<'a>(&'a self, verb: Verb, ifname: &'a str) -> Call<'a> {
        let path = self.plugins.to_str().unwrap_or_default();
        Call { verb, container: CONTAINER, ifname, netns: &self.netns, args: &self.args, path }
    }
}

/// The configuration of a meta-plugin.
pub(crate) fn conf(delegates: &[Value], plugins: &Path) -> Value {
    json!({"cniVersion": VERSION, "name": "bench", "type": "multus", "binDir": plugins,
           "delegates": delegates})
}

/// The network of this position.
pub(crate) fn network(index: usize) -> Value {
    json!({"cniVersion": VERSION, "name": format!("net{index}"), "type": DELEGATE})
}

/// The interface that a network of this position gets.
fn ifname(index: usize) -> String {
    if index == 0 { "eth0".to_owned() } else { format!("net{index}") }
}
