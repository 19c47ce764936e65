//! Many pods at once, each with several networks.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;
use bench::burst::{self, Burst};
use bench::call::{Call, Verb};
use bench::host::files;
use serde_json::{Value, json};
use testkit::netns::Netns;

use crate::bed::{Bed, DEBIAN, records};
use crate::contender::Contender;
use crate::scenario::{conf, network};

/// Networks of each pod.
pub(crate) const NETWORKS: usize = 3;
/// How their containers' names begin.
const CONTAINERS: &str = "burst";

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
pub(crate) struct OfKind {
    pub(crate) contender: usize,
    pub(crate) kind: Kind,
    pub(crate) pods: usize,
    pub(crate) burst: Burst,
}

/// Starts as many pods as wanted, and ends them, by each contender in turn.
pub(crate) fn measure(contenders: &[Contender], bed: &Bed, pods: usize) -> Result<Vec<OfKind>> {
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
            bursts.push(OfKind { contender, kind, pods, burst: Burst::default() });
        }
    }
    burst::repeat(&mut bursts, |one| once(one, &contenders[one.contender], &sandboxes, bed))?;
    Ok(bursts)
}

fn once(of_kind: &mut OfKind, contender: &Contender, pods: &[Netns], bed: &Bed) -> Result<()> {
    let OfKind { kind, burst, .. } = of_kind;
    let path = format!("{}:{DEBIAN}", bed.plugins.display());
    let conf = kind.conf(bed).to_string();
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

    let results = burst.call(Verb::Add, commands(Verb::Add), &conf);
    burst.wrong += pods.len().abs_diff(addresses(&results));
    burst.wrong += pods.len().saturating_sub(records(CONTAINERS)?.len());
    burst.wrong += (pods.len() * NETWORKS).abs_diff(kind.attachments(bed)?);

    burst.call(Verb::Del, commands(Verb::Del), &conf);
    // Temporary files would be among them.
    burst.wrong += records(CONTAINERS)?.len() + kind.attachments(bed)?;
    Ok(())
}

/// How many different addresses the default network has given.
fn addresses(results: &[String]) -> usize {
    let address = |result: &String| {
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
        let results = ["10.0.0.1/8", "10.0.0.2/8", "10.0.0.1/8"].map(result);
        assert_eq!(addresses(&[&results[..], &[String::new(), "{}".to_owned()]].concat()), 2);
    }
}
