//! Many pods at once, as after a reboot: nothing may be lost, and nothing left.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use bench::measure;
use bench::table::ms;
use serde_json::{Value, json};
use testkit::netns::Netns;

use crate::bed::{Bed, DEBIAN, files, records};
use crate::contender::{Call, Contender, Verb};
use crate::scenario::{conf, network};

/// Networks of each pod.
pub(crate) const NETWORKS: usize = 3;
/// How their containers' names begin.
const CONTAINERS: &str = "burst";
/// How often, in turns.
const REPEAT: usize = 3;

/// What the networks are made by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The delegate, whose attachments are files.
    Marks,
    /// The distribution's `bridge` and `host-local`.
    Bridge,
}

/// One contender with one kind of networks.
#[derive(Debug)]
pub(crate) struct Burst {
    pub(crate) contender: usize,
    pub(crate) kind: Kind,
    pub(crate) pods: usize,
    /// From the start of the first to the end of the last, in milliseconds.
    pub(crate) add: Vec<f64>,
    pub(crate) del: Vec<f64>,
    /// Of all that should have been after ADD, and should not have been after DEL.
    pub(crate) wrong: usize,
}

/// Starts as many pods as wanted, and ends them, by each contender in turn.
pub(crate) fn measure(contenders: &[Contender], bed: &Bed, pods: usize) -> Result<Vec<Burst>> {
    let mut kinds = vec![Kind::Marks];
    if Path::new(DEBIAN).join("bridge").exists() {
        kinds.push(Kind::Bridge);
    } else {
        eprintln!("SKIP burst of bridges: no {DEBIAN}/bridge");
    }
    let sandboxes: Vec<Netns> = (0..pods).map(|_| Netns::new()).collect();
    let mut bursts = Vec::new();
    for kind in kinds {
        for contender in 0..contenders.len() {
            bursts.push(Burst { contender, kind, pods, add: vec![], del: vec![], wrong: 0 });
        }
    }
    for turn in 0..REPEAT {
        eprintln!("burst {} of {REPEAT}", turn + 1);
        for burst in &mut bursts {
            let contender = &contenders[burst.contender];
            once(burst, contender, &sandboxes, bed)?;
        }
    }
    Ok(bursts)
}

fn once(burst: &mut Burst, contender: &Contender, pods: &[Netns], bed: &Bed) -> Result<()> {
    let path = format!("{}:{DEBIAN}", bed.plugins.display());
    let conf = burst.kind.conf(bed).to_string();
    let commands = |verb| {
        let of_pod = |(index, pod): (usize, &Netns)| {
            let (container, netns) = (format!("{CONTAINERS}{index}"), pod.path());
            let call =
                Call { verb, container: &container, ifname: "eth0", netns, args: "", path: &path };
            let mut command = call.of(&contender.program);
            // Debian's plugins look for ip and the like.
            command.env("BENCH_MARKS", &bed.marks).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
            command
        };
        pods.iter().enumerate().map(of_pod).collect::<Vec<_>>()
    };
    let wanted = burst.pods * NETWORKS;

    let (took, answers) = all_at_once(commands(Verb::Add), &conf);
    burst.add.push(ms(took));
    let good = good("ADD", &answers);
    burst.wrong += burst.pods.abs_diff(good.len());
    burst.wrong += burst.pods.abs_diff(addresses(&good));
    burst.wrong += burst.pods.saturating_sub(records(CONTAINERS)?.len());
    burst.wrong += wanted.abs_diff(burst.kind.attachments(bed)?);

    let (took, answers) = all_at_once(commands(Verb::Del), &conf);
    burst.del.push(ms(took));
    burst.wrong += burst.pods - self::good("DEL", &answers).len();
    // Temporary files would be among them.
    burst.wrong += records(CONTAINERS)?.len() + burst.kind.attachments(bed)?;
    Ok(())
}

/// Runs each command on a thread of its own; they begin together.
fn all_at_once(commands: Vec<Command>, conf: &str) -> (Duration, Vec<Result<String>>) {
    let barrier = Barrier::new(commands.len() + 1);
    thread::scope(|scope| {
        let one = |command| {
            barrier.wait();
            measure::timed(command, conf).map(|(_, answer)| answer)
        };
        let running: Vec<_> =
            commands.into_iter().map(|command| scope.spawn(move || one(command))).collect();
        barrier.wait();
        let start = Instant::now();
        let answers = running
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err(anyhow!("a thread panicked"))))
            .collect();
        (start.elapsed(), answers)
    })
}

/// Answers of the calls that succeeded; some of the others are told.
fn good<'a>(verb: &str, answers: &'a [Result<String>]) -> Vec<&'a str> {
    let failures = answers.iter().filter_map(|answer| answer.as_ref().err());
    failures.take(3).for_each(|error| eprintln!("{verb} in a burst: {error:#}"));
    answers.iter().flatten().map(String::as_str).collect()
}

/// How many different addresses the default network has given.
fn addresses(results: &[&str]) -> usize {
    let address = |result: &&str| {
        let result: Value = serde_json::from_str(result).ok()?;
        Some(result["ips"][0]["address"].as_str()?.to_owned())
    };
    results.iter().filter_map(address).collect::<BTreeSet<_>>().len()
}

impl Kind {
    /// For the tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Marks => "delegates that make a file",
            Self::Bridge => "bridge, host-local",
        }
    }

    fn conf(self, bed: &Bed) -> Value {
        let delegates: Vec<Value> = (0..NETWORKS)
            .map(|index| match self {
                Self::Marks => network(index),
                Self::Bridge => bridge(index),
            })
            .collect();
        let mut conf = conf(&delegates, &bed.plugins);
        if self == Self::Bridge {
            conf["binDir"] = json!(DEBIAN);
        }
        conf
    }

    /// How many there are, of all pods.
    fn attachments(self, bed: &Bed) -> Result<usize> {
        match self {
            Self::Marks => Ok(files(&bed.marks, |_| true)?.len()),
            Self::Bridge => leases(),
        }
    }
}

/// A network of its own for each position, for as many pods as a node may have.
fn bridge(index: usize) -> Value {
    json!({"cniVersion": "1.0.0", "name": lease_dir(index), "type": "bridge",
           "bridge": format!("bench{index}"),
           "ipam": {"type": "host-local", "ranges": [[{"subnet": format!("10.10{index}.0.0/16")}]]}})
}

fn lease_dir(index: usize) -> String {
    format!("bench{index}")
}

/// A lease is a file that is called like its address.
fn leases() -> Result<usize> {
    let dir = |index| Path::new("/var/lib/cni/networks").join(lease_dir(index));
    let count = |index| files(&dir(index), |name| name.starts_with("10.")).map(|files| files.len());
    (0..NETWORKS).map(count).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_counts_once() {
        let result = |address: &str| json!({"ips": [{"address": address}]}).to_string();
        let results = [result("10.0.0.1/8"), result("10.0.0.2/8"), result("10.0.0.1/8")];
        let results: Vec<&str> = results.iter().map(String::as_str).chain(["", "{}"]).collect();
        assert_eq!(addresses(&results), 2);
    }

    #[test]
    fn all_run_and_each_answers_for_itself() {
        let commands = vec![Command::new("cat"), Command::new("false"), Command::new("cat")];
        let (took, answers) = all_at_once(commands, "conf");
        assert!(took > Duration::ZERO);
        assert_eq!(good("ADD", &answers), ["conf", "conf"]);
    }
}
