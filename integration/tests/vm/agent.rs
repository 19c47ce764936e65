//! The node agent with real VFs, and a stand-in for kubelet.

use std::fs;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use deviceplugin::messages::Device;
use integration::{examples, listing, run};
use serde_json::{Value, json};
use testkit::device_plugin::KUBELET_DIR;
use testkit::kubelet::{Kubelet, Watch};
use testkit::node_agent::NodeAgent;
use testkit::wait::eventually;

use crate::bed::{driver, sriov, state};
use crate::measure::Ready;

const VF: &str = "fastpath.dev/vf";
const KERNEL: &str = "fastpath.dev/vf-kernel";
/// VFs of eth1, the far card.
const FAR: [&str; 3] = ["0000:02:10.0", "0000:02:10.2", "0000:02:10.4"];
/// Ten times what a change may take until kubelet knows.
const SOON: Duration = Duration::from_secs(10);

/// The next list in which devices are as wanted.
fn until(kubelet: &Kubelet, watch: &mut Watch, what: &str, wanted: impl Fn(&[Device]) -> bool) {
    let start = Instant::now();
    while start.elapsed() < SOON {
        if kubelet.next(watch, SOON).is_some_and(|devices| wanted(&devices)) {
            return;
        }
    }
    panic!("kubelet was not told: {what}");
}

fn healthy(devices: &[Device]) -> Vec<&str> {
    let healthy = devices.iter().filter(|device| device.health == "Healthy");
    healthy.map(|device| device.id.as_str()).collect()
}

fn numvfs(pf: &str, count: &str) {
    fs::write(format!("/sys/class/net/{pf}/device/sriov_numvfs"), count).unwrap();
}

/// The agent, its pools made from nothing, and a kubelet that knows them.
fn begin() -> (Kubelet, NodeAgent, Ready) {
    begin_with(&examples::text("node-agent/vfs.yaml"))
}

fn begin_with(config: &str) -> (Kubelet, NodeAgent, Ready) {
    let ready = Ready::new();
    numvfs("eth0", "0");
    numvfs("eth1", "0");
    let mut kubelet = Kubelet::new(KUBELET_DIR.as_ref());
    kubelet.start(None);
    let agent = NodeAgent::start(config);
    kubelet.wait_registered(2);
    (kubelet, agent, ready)
}

/// As the other tests want it: no pools, drivers of the kernel.
fn end(agent: NodeAgent) {
    assert!(agent.stop().success());
    for vf in FAR {
        fs::write(format!("/sys/bus/pci/devices/{vf}/driver_override"), "\n").unwrap();
        fs::write("/sys/bus/pci/drivers/vfio-pci/unbind", vf).unwrap();
        fs::write("/sys/bus/pci/drivers_probe", vf).unwrap();
    }
    for file in listing("/var/lib/fastpath/pools") {
        fs::remove_file(format!("/var/lib/fastpath/pools/{file}")).unwrap();
    }
    sriov();
    eventually(SOON, "their interfaces", || {
        FAR.iter().all(|vf| listing(format!("/sys/bus/pci/devices/{vf}/net")).len() == 1)
    });
}

#[test]
fn pools_are_made_offered_and_watched() {
    let (kubelet, agent, _ready) = begin();
    let mut watch = kubelet.watch(VF);
    until(&kubelet, &mut watch, "all VFs", |devices| healthy(devices) == FAR);
    assert!(FAR.iter().all(|vf| driver(vf) == "vfio-pci"));
    assert_eq!(fs::read_to_string("/sys/class/net/eth0/device/sriov_numvfs").unwrap().trim(), "7");
    let mut kernel = kubelet.watch(KERNEL);
    let two = |devices: &[Device]| healthy(devices) == ["0000:01:10.0", "0000:01:10.2"];
    until(&kubelet, &mut kernel, "the kernel's VFs", two);
    let pool = fs::read("/var/lib/fastpath/pools/fastpath.dev-vf.json").unwrap();
    let pool: Value = serde_json::from_slice(&pool).unwrap();
    assert_eq!(pool["devices"], json!(FAR));

    // A driver that is taken away, and given back.
    fs::write("/sys/bus/pci/drivers/vfio-pci/unbind", FAR[1]).unwrap();
    until(&kubelet, &mut watch, "one VF less", |devices| healthy(devices) == [FAR[0], FAR[2]]);
    let refused = kubelet.allocate(VF, &[FAR[1]]).unwrap_err();
    assert!(refused.message().contains("no driver is bound"), "{refused}");
    fs::write("/sys/bus/pci/drivers_probe", FAR[1]).unwrap();
    until(&kubelet, &mut watch, "all VFs again", |devices| healthy(devices) == FAR);

    // A cable that is pulled: the other end of it goes down, too.
    run("ip", &["link", "set", "eth1", "down"]);
    until(&kubelet, &mut watch, "no link", |devices| healthy(devices).is_empty());
    run("ip", &["link", "set", "eth1", "up"]);
    until(&kubelet, &mut watch, "a link", |devices| healthy(devices) == FAR);
    let unknown = kubelet.allocate(VF, &["0000:09:10.0"]).unwrap_err();
    assert!(unknown.message().contains("no device of fastpath.dev/vf"), "{unknown}");
    end(agent);
}

#[test]
fn device_nodes_are_described_where_cdi_is_wanted() {
    let (kubelet, agent, _ready) =
        begin_with(&(examples::text("node-agent/vfs.yaml") + "cdi: true\n"));
    let mut watch = kubelet.watch(VF);
    until(&kubelet, &mut watch, "all VFs", |devices| healthy(devices) == FAR);
    let container = kubelet.allocate(VF, &[FAR[0]]).unwrap().containers.remove(0);
    assert!(container.devices.is_empty(), "{container:?}");
    assert_eq!(container.cdi_devices[0].name, format!("{VF}={}", FAR[0]));
    let file = format!("/var/run/cdi/fastpath.dev-vf-{}.json", FAR[0]);
    let spec: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let nodes = &spec["devices"][0]["containerEdits"]["deviceNodes"];
    let group = nodes[1]["path"].as_str().unwrap();
    assert!(std::path::Path::new(group).exists(), "{nodes}");
    fs::remove_file(file).unwrap();
    end(agent);
}

#[test]
fn an_attached_vf_is_judged_by_its_record() {
    let (kubelet, agent, _ready) = begin();
    let (sriov, pod) = (sriov(), testkit::netns::Netns::new());
    let before = state();
    let conf =
        json!({"cniVersion": "1.1.0", "name": "net", "type": "sriov", "deviceID": "0000:01:10.0"});
    sriov.add(&conf, "a", "net1", pod.path()).expect_ok();
    let mut kernel = kubelet.watch(KERNEL);
    let both = |devices: &[Device]| healthy(devices).len() == 2;
    until(&kubelet, &mut kernel, "the attached VF is healthy", both);
    sriov.del(&conf, "a", "net1", pod.path()).expect_ok();
    // Moved by somebody whom nobody knows.
    let name = listing("/sys/bus/pci/devices/0000:01:10.0/net").remove(0);
    run("ip", &["link", "set", &name, "netns", pod.name()]);
    let one = |devices: &[Device]| healthy(devices) == ["0000:01:10.2"];
    until(&kubelet, &mut kernel, "a VF that was taken away", one);
    pod.ip(&["link", "set", &name, "netns", "1"]);
    until(&kubelet, &mut kernel, "it is back", both);
    assert_eq!(state(), before);
    end(agent);
}

#[test]
fn a_user_runs_dpdk_with_what_is_allocated() {
    let (kubelet, agent, _ready) = begin();
    let mut watch = kubelet.watch(VF);
    until(&kubelet, &mut watch, "all VFs", |devices| healthy(devices) == FAR);
    let container = kubelet.allocate(VF, &[FAR[0]]).unwrap().containers.remove(0);
    let nodes: Vec<&str> = container.devices.iter().map(|node| node.host_path.as_str()).collect();
    let group = fs::read_link(format!("/sys/bus/pci/devices/{}/iommu_group", FAR[0])).unwrap();
    let group = format!("/dev/vfio/{}", group.file_name().unwrap().to_str().unwrap());
    assert_eq!(nodes, ["/dev/vfio/vfio", &group]);
    assert_eq!(container.envs["PCIDEVICE_FASTPATH_DEV_VF"], FAR[0]);
    let info: Value =
        serde_json::from_str(&container.envs["PCIDEVICE_FASTPATH_DEV_VF_INFO"]).unwrap();
    assert_eq!(info[FAR[0]]["vfio"]["dev-mount"], *group);
    let file =
        format!("/var/run/k8s.cni.cncf.io/devinfo/dp/fastpath.dev-vf-{}-device.json", FAR[0]);
    let described: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(described["pci"], json!({"pci-address": FAR[0], "pf-pci-address": "0000:02:00.0"}));

    // What a container runtime does for the pod's user.
    run("chown", &["1000:1000", &group]);
    let output = testpmd_of_user(FAR[0]);
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    run("chown", &["0:0", &group]);
    fs::remove_file(file).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("Configuring Port 0") && said.contains("Bye"), "{said}");
    end(agent);
}

#[expect(clippy::disallowed_methods, reason = "runs what a pod would")]
fn testpmd_of_user(vf: &str) -> Output {
    Command::new("prlimit")
        .args(["--memlock=unlimited", "setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"])
        .args(["--bounding-set=-all", "--inh-caps=-all", "dpdk-testpmd", "-l", "0-1", "-n", "1"])
        .args(["--in-memory", "--no-telemetry", "--iova-mode=va", "-m", "64", "-a", vf, "--"])
        .args(["--total-num-mbufs=2048", "--nb-cores=1", "--no-mlockall"])
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[test]
fn the_group_that_was_allocated_is_compared_at_add() {
    let (kubelet, agent, _ready) = begin();
    let mut watch = kubelet.watch(VF);
    until(&kubelet, &mut watch, "all VFs", |devices| healthy(devices) == FAR);
    kubelet.allocate(VF, &[FAR[0]]).unwrap();
    let (sriov, pod) =
        (sriov().args("IgnoreUnknown=1;K8S_POD_NAME=p"), testkit::netns::Netns::new());
    let conf = json!({"cniVersion": "1.1.0", "name": "net", "type": "sriov", "deviceID": FAR[0]});
    sriov.add(&conf, "a", "net1", pod.path()).expect_ok();
    sriov.del(&conf, "a", "net1", pod.path()).expect_ok();
    // As if the machine had numbered its groups otherwise at the last boot.
    let file = format!("/var/lib/fastpath/allocations/{}.json", FAR[0]);
    fs::write(&file, r#"{"version":1,"iommuGroup":"9999"}"#).unwrap();
    let (msg, details) = sriov.add(&conf, "a", "net1", pod.path()).expect_error(7);
    assert!(msg.contains("9999") && details.contains("delete the pod"), "{msg} {details}");
    fs::remove_file(file).unwrap();
    end(agent);
}

#[test]
fn a_vf_on_uio_is_handed_out_by_its_node() {
    let _ready = Ready::new();
    sriov();
    let mut kubelet = Kubelet::new(KUBELET_DIR.as_ref());
    kubelet.start(None);
    let config =
        "pools: [{name: vf, vfs: {pfs: ['eth1#0'], driver: uio_pci_generic, vhostNet: true}}]\n";
    let agent = NodeAgent::start(config);
    kubelet.wait_registered(1);
    let mut watch = kubelet.watch(VF);
    until(&kubelet, &mut watch, "the VF", |devices| healthy(devices) == [FAR[0]]);
    let container = kubelet.allocate(VF, &[FAR[0]]).unwrap().containers.remove(0);
    let nodes: Vec<&str> = container.devices.iter().map(|node| node.host_path.as_str()).collect();
    let uio = listing(format!("/sys/bus/pci/devices/{}/uio", FAR[0])).remove(0);
    assert_eq!(nodes, [&format!("/dev/{uio}"), "/dev/vhost-net", "/dev/net/tun"]);
    assert!(agent.stop().success());
    // A pool of the kernel's takes it back.
    let config = "pools: [{name: vf, vfs: {pfs: ['eth1#0'], driver: kernel}}]\n";
    let agent = NodeAgent::start(config);
    eventually(SOON, "its interface", || {
        listing(format!("/sys/bus/pci/devices/{}/net", FAR[0])).len() == 1
    });
    assert!(agent.stop().success());
    for file in listing("/var/lib/fastpath/pools") {
        fs::remove_file(format!("/var/lib/fastpath/pools/{file}")).unwrap();
    }
    // igbvf makes up another MAC, as it does at every probe.
    assert_eq!(driver(FAR[0]), "igbvf");
}

#[test]
fn the_number_of_vfs_is_changed_from_none_only() {
    sriov();
    let (before, config) = (state(), "pools: [{name: vf, vfs: {pfs: [eth1], create: 5}}]\n");
    let agent = NodeAgent::start(config);
    eventually(SOON, "a warning", || agent.log().contains("eth1 has 3 VFs, 5 are wanted"));
    assert!(agent.stop().success());
    fs::remove_dir_all("/var/lib/fastpath/pools").unwrap();
    assert_eq!(state(), before);
}

#[test]
fn more_vfs_than_a_pf_has_are_refused_with_the_line() {
    sriov();
    let (status, log) =
        NodeAgent::start("pools:\n- {name: vf, vfs: {pfs: [eth1], create: 99}}\n").wait_end();
    assert!(!status.success());
    assert!(log.contains("line 2") && log.contains("eth1 can have 7 VFs, and not 99"), "{log}");
}
