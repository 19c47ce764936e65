//! `fastpath measure` over VFs, and a delay of the kernel's own as it is measured on one.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use frames::{End, Round};
use integration::{listing, run};
use serde_json::{Value, json};
use testkit::netns::Netns;
use testkit::wait::eventually;
use testkit::witness::ip_json;

use crate::bed::{conf, sriov, state};

const HUGEPAGES: &str = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages";
/// Both threads of the pod's program, as an emulated machine can bear them.
const POD: &str = "dpdk-testpmd -l 0-1 -n 1 --in-memory --no-telemetry -m 128 {eal} -- --nb-cores=1 \
                   --auto-start {forward} --total-num-mbufs=4096";
/// A VF of the other card, at the far end of the cable.
pub(crate) const FAR: &str = "0000:02:10.0";

/// PFs that are up, and room for the pod's program, for as long as this lives.
pub(crate) struct Ready(String);

impl Ready {
    pub(crate) fn new() -> Self {
        for pf in ["eth0", "eth1"] {
            run("ip", &["link", "set", pf, "up"]);
        }
        let before = fs::read_to_string(HUGEPAGES).unwrap();
        fs::write(HUGEPAGES, "96").unwrap();
        Self(before.trim().to_owned())
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        fs::write(HUGEPAGES, &self.0).unwrap();
    }
}

#[expect(clippy::disallowed_methods, reason = "runs the tool as a user does")]
fn measure(arguments: &[&str]) -> Command {
    let bin = testkit::cni::bin_dir();
    let mut command = Command::new(bin.join("fastpath"));
    command
        .env("CNI_PATH", &bin)
        .args(["measure", "--pf", "eth0", "--pf", "eth1", "--rate", "200"]);
    command.args(["--pod-command", POD]).args(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn the_paths_over_vfs_are_measured_and_every_vf_is_as_before() {
    sriov();
    let (_ready, before) = (Ready::new(), state());
    let report = "/run/report";
    let paths = ["--path", "kernel", "vf", "vf-pod", "--rounds", "2", "--json", report];
    let output = measure(&paths).output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{said}");
    let report: Value = serde_json::from_slice(&fs::read(report).unwrap()).unwrap();
    let told: Vec<Value> = report["paths"].as_array().unwrap().clone();
    let names: Vec<[&Value; 2]> = told.iter().map(|path| [&path["name"], &path["path"]]).collect();
    assert_eq!(json!(names), json!([["kernel", "kernel"], ["vf", "vf"], ["vf-pod", "vf"]]));
    for path in &told {
        let count = |key: &str| path[key].as_u64().unwrap();
        assert_eq!((count("sent"), count("received") + count("lost")), (400, 400), "{path}");
        // An emulated card may be late, never as late as this.
        assert!(count("received") > 300, "{path}");
    }
    assert!(told[1]["driver"].as_str().unwrap().contains("igb"), "{}", told[1]);
    assert_eq!(state(), before);
}

#[test]
fn an_interrupted_measurement_gives_the_vfs_back() {
    sriov();
    let (_ready, before) = (Ready::new(), state());
    let mut child = measure(&["--path", "vf-pod", "--rounds", "1000"]).spawn().unwrap();
    eventually(Duration::from_mins(1), "the pod's VFs", || {
        listing("/sys/bus/pci/drivers/vfio-pci").iter().filter(|name| name.contains(':')).count()
            == 2
    });
    let second = measure(&["--path", "kernel"]).output().unwrap();
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(!second.status.success() && said.contains("another measurement is running"), "{said}");
    run("kill", &["-INT", &child.id().to_string()]);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(state(), before);
}

/// One end of the path: a VF as a pod has it.
fn end(netns: &Netns) -> End {
    let inside = hostnet::Netns::open(Path::new(netns.path())).unwrap();
    inside.run(|| End::open("net1")).unwrap().unwrap()
}

/// The queueing discipline of the sending VF.
fn netem(netns: &Netns, words: &[&str]) {
    let verb = if words.is_empty() { "del" } else { "add" };
    let output = netns
        .command("tc")
        .args([&["qdisc", verb, "dev", "net1", "root"], words].concat())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_delay_of_the_kernel_on_a_vf_is_measured() {
    let (sriov, _ready, before) = (sriov(), Ready::new(), state());
    let (near, far) = (Netns::new(), Netns::new());
    let l2 = json!({"trust": "on"});
    let confs = [conf(&l2), conf(&json!({"deviceID": FAR, "trust": "on"}))];
    sriov.add(&confs[0], "a", "net1", near.path()).expect_ok();
    sriov.add(&confs[1], "b", "net1", far.path()).expect_ok();
    eventually(Duration::from_secs(20), "both VFs have a carrier", || {
        [&near, &far].iter().all(|netns| {
            ip_json(Some(netns.name()), &["link", "show", "net1"])[0]["operstate"] == "UP"
        })
    });
    let (mut sender, mut receiver) = (end(&near), end(&far));
    let settle = Duration::from_millis(300);
    let round = Round { to: receiver.mac(), rate_pps: 100, count: 100, size_bytes: 96, settle };
    let mut rounds = [vec![], vec![]];
    for turn in 0..10 {
        let delayed = turn % 2 == 1;
        if delayed {
            netem(&near, &["netem", "delay", "5ms"]);
        }
        let outcome = frames::run(&mut sender, &mut receiver, &round).unwrap();
        if delayed {
            netem(&near, &[]);
        }
        assert_eq!((outcome.sent, outcome.reordered), (100, 0), "{outcome:?}");
        rounds[turn % 2].push(outcome.latency);
    }
    let [without, with] = rounds.map(|rounds| {
        let sum = rounds.into_iter().reduce(|sum, round| sum + &round).unwrap();
        sum.value_at_quantile(0.5)
    });
    println!("p50 without {without} ns, with netem {with} ns");
    assert!((with - without).abs_diff(5_000_000) <= 250_000, "{without} ns, {with} ns");

    netem(&near, &["netem", "loss", "100%"]);
    let outcome = frames::run(&mut sender, &mut receiver, &round).unwrap();
    assert_eq!((outcome.received, outcome.lost), (0, 100));
    for (conf, id, netns) in [(&confs[0], "a", &near), (&confs[1], "b", &far)] {
        sriov.del(conf, id, "net1", netns.path()).expect_ok();
    }
    assert_eq!(state(), before);
}
