//! A node in the test VM: kubelet, containerd and node-agent there, the control plane here.

#![expect(clippy::disallowed_methods, reason = "boots the VM as an operator does")]

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use integration::run;
use serde_json::Value;
use tempfile::TempDir;
use testkit::cni::bin_dir;
use testkit::k8s::{Cluster, NODE_NAME, NodeConfig, programs_dir};
use testkit::port::free_port;
use testkit::wait::eventually;

use crate::bed;

/// The node's address in the VM's own network. Here QEMU listens at it for kubelet, whom the API server calls.
const ADDRESS: &str = "10.0.2.15";
/// The loopback of this machine, as the VM sees it.
const HOST: &str = "10.0.2.2";
/// The directory of the node's files, in the VM.
const DIR: &str = "/run/node";
/// Ends the VM whatever happens, s.
const LIMIT: &str = "600";
/// Emulated, and perhaps on a busy machine, everything takes its time.
pub(crate) const SOON: Duration = Duration::from_mins(4);
/// Booting takes 10 s. Once in twenty boots an emulated processor stops for good, and the VM is booted again.
const BOOT: Duration = Duration::from_secs(90);

/// Everything that a pod changes on the node. Kept are what the agent knows of its pools, and locks.
const STATE: &str = "
exec 2>/dev/null
for vf in /sys/class/net/eth[01]/device/virtfn*; do
    vf=$(readlink -f $vf)
    echo ${vf##*/} $(basename $(readlink $vf/driver)) $(cat $vf/driver_override)
done
ip link show eth0; ip link show eth1
find /sys/class/net/cni0/brif /run/netns /var/lib/cni /var/lib/fastpath /var/run/k8s.cni.cncf.io/devinfo/cni ! -type d |
    grep -vE '/(pools|allocations)/|/lock$|/last_reserved'
grep HugePages_Free /proc/meminfo
ctr --address /run/node/containerd.sock --namespace k8s.io tasks list --quiet
";

/// The VM; ended on drop.
pub(crate) struct VmNode {
    vm: Vm,
    share: TempDir,
}

impl VmNode {
    /// Boots it, with multus-lite as its network and this configuration of the agent, and waits until it is ready.
    pub(crate) fn boot(cluster: &Cluster, agent: &str) -> Self {
        let share = tempfile::tempdir().unwrap();
        write_files(share.path(), cluster, agent);
        // From the loopback's address, which QEMU shows as its own: the VM would drop what comes from its address.
        let route = ["local", ADDRESS, "dev", "lo", "src", "127.0.0.1"];
        run("ip", &[&["route", "replace"], &route[..]].concat());
        let mut vm = Vm::start(share.path());
        if !boots_within(BOOT, share.path()) {
            drop(vm);
            vm = Vm::start(share.path());
        }
        let node = Self { vm, share };
        eventually(SOON, "the node to be ready", || {
            let node = cluster.get(&["node", NODE_NAME]);
            let conditions = node["status"]["conditions"].as_array();
            let is_ready = |one: &Value| one["type"] == "Ready" && one["status"] == "True";
            conditions.into_iter().flatten().any(is_ready)
        });
        node
    }

    /// Everything that pods have on this node.
    pub(crate) fn state(&self) -> String {
        self.sh(STATE)
    }

    /// Waits until all is as it was.
    pub(crate) fn expect_state(&self, before: &str) {
        let start = Instant::now();
        loop {
            let now = self.state();
            if now == before {
                return;
            }
            assert!(start.elapsed() < SOON, "before:\n{before}\nnow:\n{now}");
            sleep(Duration::from_secs(1));
        }
    }

    /// Runs a script in the VM and returns what it printed.
    pub(crate) fn sh(&self, script: &str) -> String {
        let mut shell = TcpStream::connect(("127.0.0.1", self.vm.shell)).unwrap();
        shell.write_all(script.as_bytes()).unwrap();
        shell.shutdown(Shutdown::Write).unwrap();
        let mut said = String::new();
        shell.read_to_string(&mut said).unwrap();
        said
    }
}

impl Drop for VmNode {
    fn drop(&mut self) {
        if std::thread::panicking() {
            report(self.share.path());
        }
    }
}

/// `run.sh` with the node's script; ended on drop.
struct Vm {
    child: Child,
    /// The port here that leads to a shell there.
    shell: u16,
}

impl Vm {
    /// Starts it with a third card, which leads to this network namespace.
    fn start(share: &Path) -> Self {
        let shell = free_port();
        let card = format!(
            "-netdev user,id=out,hostfwd=tcp:{ADDRESS}:10250-:10250,hostfwd=tcp:127.0.0.1:{shell}-:10000 \
            -device pcie-root-port,id=port3,chassis=3,slot=3,bus=pcie.0,addr=10.0 \
            -device igb,netdev=out,bus=port3"
        );
        let mut command = Command::new(bed::repository().join("integration/vm/run.sh"));
        command.args(["-t", LIMIT, "-m", "2048", "-x", &card]);
        command.arg("-l").arg(share.join("console")).arg("-s").arg(share);
        command.arg("-b").arg(programs_dir()).args(["--", "/host/vm-node.sh"]);
        Self { child: command.stdin(Stdio::null()).spawn().unwrap(), shell }
    }
}

impl Drop for Vm {
    /// The script passes the signal on.
    fn drop(&mut self) {
        drop(Command::new("kill").arg(self.child.id().to_string()).status());
        self.child.wait().ok();
    }
}

/// Whether the node's script has come to start the first daemon by then.
fn boots_within(limit: Duration, share: &Path) -> bool {
    let (start, log) = (Instant::now(), share.join("containerd.log"));
    while !log.exists() && start.elapsed() < limit {
        sleep(Duration::from_millis(100));
    }
    log.exists()
}

/// The end of the console's log and of each daemon's.
#[expect(clippy::print_stdout, reason = "becomes part of what the failing test has to say")]
fn report(share: &Path) {
    for log in ["console", "containerd.log", "kubelet.log", "node-agent.log"] {
        let text = fs::read_to_string(share.join(log)).unwrap_or_default();
        let lines: Vec<&str> = text.lines().rev().take(20).collect();
        println!("{log} in the VM ended with:");
        lines.iter().rev().for_each(|line| println!("{line}"));
    }
}

/// What `integration/k8s/vm-node.sh` wants to find.
fn write_files(share: &Path, cluster: &Cluster, agent: &str) {
    let (node, cni, bin) = (share.join("node"), share.join("cni"), share.join("bin"));
    for dir in [&node, &bin, &cni.join("net.d"), &cni.join("multus/net.d")] {
        fs::create_dir_all(dir).unwrap();
    }
    for program in ["node-agent", "multus-lite", "sriov"] {
        fs::copy(bin_dir().join(program), bin.join(program)).unwrap();
    }
    fs::copy(bed::repository().join("integration/k8s/vm-node.sh"), share.join("vm-node.sh"))
        .unwrap();

    let dir = Path::new(DIR);
    let config = NodeConfig {
        dir: dir.into(),
        runc: "/fastpath/bin/runc".into(),
        cni_conf_dir: bed::CNI_CONF_DIR.into(),
        address: ADDRESS.into(),
        cgroup_root: "/".into(),
        kubeconfig: dir.join("kubelet.kubeconfig"),
        authority: dir.join("ca.crt"),
    };
    let write = |name: &str, text: String| fs::write(node.join(name), text).unwrap();
    write("containerd.toml", config.containerd());
    write("kubelet.json", config.kubelet().to_string());
    write("kubelet.options", config.kubelet_args().join("\n"));
    let rest = format!("kubeconfig: {DIR}/node-agent.kubeconfig\ncniBinDir: {DIR}/cni-bin\n");
    write("node-agent.yaml", format!("{agent}{rest}"));

    let hour = Duration::from_hours(1);
    let account = |name: &str| cluster.service_account_token("kube-system", name, hour).token;
    let access = |file: &Path, token: &str| cluster.write_access(file, HOST, token);
    access(&node.join("kubelet.kubeconfig"), &Cluster::node_token());
    access(&node.join("node-agent.kubeconfig"), &account("node-agent"));
    let in_share = |path: &str| share.join(Path::new(path).strip_prefix("/etc").unwrap());
    access(&in_share(bed::KUBECONFIG), &account("multus-lite"));
    fs::write(in_share(bed::CNI_CONF), bed::conf().to_string()).unwrap();
    fs::write(in_share(bed::DEFAULT_NETWORK), bed::default_network().to_string()).unwrap();
}
