//! `fastpath measure` on a real switch: what it says, and that it leaves nothing.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use testkit::ovs::Ovs;
use testkit::wait::eventually;
use testkit::witness::ip_json;

use crate::bed::ovs;
use crate::pod::state;

/// Both threads of the pod's program on one processor: the other one is the switch's.
const POD: &str = "testpmd --lcores=0@0,1@0 --in-memory --single-file-segments -m 64 {eal} -- \
                   --auto-start {forward} --total-num-mbufs=4096 --no-mlockall";

/// All that a measurement may leave.
fn everything(ovs: &Ovs) -> String {
    let links = ip_json(None, &["link", "show"]);
    let names: Vec<&str> =
        links.as_array().unwrap().iter().map(|link| link["ifname"].as_str().unwrap()).collect();
    format!("{}{names:?}", state(ovs))
}

#[expect(clippy::disallowed_methods, reason = "runs the tool as a user does")]
fn measure(arguments: &[&str]) -> Command {
    let bin = testkit::cni::bin_dir();
    let testpmd = std::env::var("FASTPATH_TESTPMD").unwrap();
    let pod = POD.replacen("testpmd", &testpmd, 1);
    let mut command = Command::new(bin.join("fastpath"));
    command.env("CNI_PATH", &bin).arg("measure").args(arguments);
    if !arguments.contains(&"--pod-command") {
        command.args(["--pod-command", &pod]);
    }
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[expect(clippy::disallowed_methods, reason = "runs the tool as a user does")]
fn suggest_bands(reports: &[&str]) -> Output {
    let program = testkit::cni::bin_dir().join("fastpath");
    Command::new(program).args(["measure", "--suggest-bands"]).args(reports).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

/// The paths of a report, by name.
fn paths(file: &str) -> Vec<(String, Value)> {
    let report: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    assert_eq!(report["version"], 1);
    let paths = report["paths"].as_array().unwrap().iter();
    paths.map(|path| (path["name"].as_str().unwrap().to_owned(), path.clone())).collect()
}

#[test]
fn the_paths_of_a_node_with_a_switch_are_measured_and_nothing_is_left() {
    let ovs = ovs();
    let before = everything(&ovs);
    let run = ["--rounds", "2", "--json", "/run/report", "--svg", "/run/picture", "--publish"];
    let output = measure(&run).output().unwrap();
    let said = text(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("vf is not measured: this node has no VF"), "{said}");
    let paths = paths("/run/report");
    let names: Vec<&str> = paths.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["kernel", "ovs-dpdk", "ovs-dpdk-pod"], "{said}");
    for (name, path) in &paths {
        assert_eq!((&path["sent"], &path["rounds"]), (&2000.into(), &2.into()), "{name}");
        let [received, lost] = ["received", "lost"].map(|key| path[key].as_u64().unwrap());
        assert_eq!(received + lost, 2000, "{name}");
        assert!(received > 0, "{name}");
        let us = |key: &str| path["us"][key].as_f64().unwrap();
        assert!(
            0.0 < us("min") && us("min") <= us("p50") && us("p50") <= us("max"),
            "{name}: {path}"
        );
        assert!(said.contains(name), "{said}");
    }
    assert_eq!(paths[0].1["lost"], 0, "a bridge of the kernel loses nothing");
    assert!(fs::read_to_string("/run/picture").unwrap().contains("<svg"));
    let published = fs::read("/var/lib/fastpath/measure.json").unwrap();
    assert_eq!(published, fs::read("/run/report").unwrap());
    assert_eq!(everything(&ovs), before);
    let output = suggest_bands(&["/run/report", "/var/lib/fastpath/measure.json"]);
    let bands = text(&output);
    assert!(output.status.success() && bands.contains("ovs-dpdk"), "{bands}");
    fs::remove_file("/var/lib/fastpath/measure.json").unwrap();
}

#[test]
fn what_a_node_does_not_have_is_named_and_the_rest_is_measured() {
    let _ovs = ovs();
    let no_switch = ["--ovsdb", "unix:/run/no.sock", "--rounds", "1", "--json", "/run/report"];
    let output = measure(&no_switch).output().unwrap();
    let said = text(&output);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("ovs-dpdk is not measured") && said.contains("unix:/run/no.sock"),
        "{said}"
    );
    assert_eq!(paths("/run/report").len(), 1);
    // Who asked for it is told by the status.
    let asked = [&no_switch[..], &["--path", "kernel", "ovs-dpdk"]].concat();
    assert!(!measure(&asked).output().unwrap().status.success());
    let none = ["--path", "ovs-dpdk-pod", "--pod-command", "no-such-program"];
    let output = measure(&none).output().unwrap();
    assert!(text(&output).contains("run no-such-program: No such file"), "{}", text(&output));
}

#[test]
fn a_program_that_does_not_forward_is_quoted() {
    let ovs = ovs();
    let before = everything(&ovs);
    let command = "sh -c echo${IFS}no-luck;exit${IFS}1";
    let output = measure(&["--path", "ovs-dpdk-pod", "--pod-command", command]).output().unwrap();
    let said = text(&output);
    assert!(said.contains("no frame came through") && said.contains("no-luck"), "{said}");
    assert_eq!(everything(&ovs), before);
}

#[test]
fn an_interrupted_measurement_leaves_nothing_and_a_killed_one_until_the_next() {
    let ovs = ovs();
    let before = everything(&ovs);
    let running = || -> Child {
        let child = measure(&["--rounds", "1000"]).spawn().unwrap();
        eventually(Duration::from_mins(1), "the pod's ports", || {
            ovs.find("Port", &["name"], &["external_ids:fastpath-measure=true"]).len() == 4
        });
        child
    };
    let mut child = running();
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(everything(&ovs), before);

    let mut child = running();
    signal(&child, "KILL");
    child.wait().unwrap();
    assert_ne!(everything(&ovs), before);
    let output = measure(&["--rounds", "1"]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(everything(&ovs), before);
    assert!(!Path::new("/var/lib/fastpath/measure.json").exists());
}

fn signal(child: &Child, name: &str) {
    integration::run("kill", &[&format!("-{name}"), &child.id().to_string()]);
}
