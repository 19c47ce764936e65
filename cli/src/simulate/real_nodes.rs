//! The cluster of a simulation: the nodes of a real one.

use anyhow::{Context, Result, ensure};
use policy::{Datapath, Figure, Node, NodeObject, NodeObjects, Table};

use super::machine::{Latencies, Machine};
use super::room::Room;

/// Reads nodes as `kubectl get nodes -o json` prints them. They begin empty, and their figures are taken for
/// true.
pub(super) fn parse(text: &str) -> Result<Vec<Machine>> {
    let list: NodeObjects = serde_json::from_str(text).context("it lists no nodes")?;
    let machines: Vec<_> = list.items.unwrap_or_default().iter().map(machine).collect();
    ensure!(!machines.is_empty(), "it has no node");
    Ok(machines)
}

fn machine(object: &NodeObject) -> Machine {
    let devices = |path| Table::resource(path).map_or(0, |resource| object.allocatable(resource));
    let whole = Room {
        cpus: object.allocatable_cpus(),
        pods: object.allocatable("pods"),
        vf: devices(Datapath::Vf),
        vhostuser: devices(Datapath::OvsDpdk),
    };
    let node = object.node();
    let really = Latencies {
        vf: figure(&node, Datapath::Vf),
        ovs_dpdk: figure(&node, Datapath::OvsDpdk),
        kernel: figure(&node, Datapath::Kernel),
    };
    Machine::new(node, whole, really)
}

fn figure(node: &Node, path: Datapath) -> Option<f64> {
    match node.offer(path).figure {
        #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 µs")]
        Figure::P99(us) => Some(us as f64),
        Figure::None | Figure::Unreadable => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_what_it_says_of_itself() {
        let text = r#"{"items": [{"metadata": {"name": "a", "labels": {"fastpath.dev/vf": "true",
            "fastpath.dev/vf-p99-us": "40", "fastpath.dev/ovs-dpdk": "true"}}, "status": {"allocatable":
            {"cpu": "15890m", "pods": "110", "fastpath.dev/vf": "8", "fastpath.dev/vhostuser": "4"}}}]}"#;
        let machines = parse(text).unwrap();
        let [machine] = &machines[..] else { panic!("{}", machines.len()) };
        assert_eq!(machine.whole, Room { cpus: 15, pods: 110, vf: 8, vhostuser: 4 });
        assert_eq!(machine.free, machine.whole);
        let really = [Datapath::Vf, Datapath::OvsDpdk, Datapath::Kernel];
        assert_eq!(really.map(|path| machine.p99_us(path)), [Some(40.0), None, None]);
        assert!(machine.node.is_fast());
    }

    #[test]
    fn what_is_no_list_of_nodes_is_told() {
        for (text, what) in [("seed: 1", "lists no nodes"), ("{\"items\": []}", "has no node")] {
            let message = parse(text).err().unwrap().to_string();
            assert!(message.contains(what), "{message}");
        }
    }
}
