//! The agent while nothing happens.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bench::measure::memory;
use nix::mount::{MsFlags, mount};
use testkit::device_plugin::KUBELET_DIR;
use testkit::kubelet::Kubelet;
use testkit::netns::Netns;
use testkit::node_agent::NodeAgent;

use crate::tree;

const CONFIG: &str = "pools: [{name: vf, vfs: {vendors: ['8086'], driver: vfio-pci}}]\n";
/// Until all that happens at start has happened.
const SETTLED: Duration = Duration::from_secs(10);

pub(crate) struct Idle {
    /// Bytes.
    pub(crate) rss: u64,
    pub(crate) cpu_percent: f64,
}

/// Watches it for so long.
pub(crate) fn watch(time: Duration) -> Result<Idle> {
    let netns = Netns::new();
    for dir in ["/var/lib", "/run/fastpath"] {
        fs::create_dir_all(dir)?;
        mount(Some("none"), dir, Some("tmpfs"), MsFlags::empty(), None::<&str>)?;
    }
    let made = Path::new("/run/fastpath/sys");
    tree::sysfs(made)?;
    tree::records(Path::new("/var/lib/fastpath"), Path::new(netns.path()))?;
    mount(Some(made), "/sys", None::<&str>, MsFlags::MS_BIND, None::<&str>)?;

    let mut kubelet = Kubelet::new(Path::new(KUBELET_DIR));
    kubelet.start(None);
    let agent = NodeAgent::start(CONFIG);
    kubelet.wait_registered(1);
    let mut stream = kubelet.watch("fastpath.dev/vf");
    let devices = kubelet.next(&mut stream, SETTLED).context("no devices")?;
    let healthy = devices.iter().filter(|device| device.health == "Healthy").count();
    ensure!(healthy == tree::PFS * tree::VFS, "{healthy} VFs are healthy:\n{}", agent.log());
    sleep(SETTLED);
    let before = cpu(agent.pid())?;
    sleep(time);
    let used = cpu(agent.pid())?.saturating_sub(before);
    ensure!(!agent.log().contains("left-over"), "it repaired something:\n{}", agent.log());
    let rss = memory(agent.pid(), "VmRSS")?;
    Ok(Idle { rss, cpu_percent: used.as_secs_f64() / time.as_secs_f64() * 100.0 })
}

/// Time on a processor, of all threads (schedstat, in ns: ticks are too coarse).
fn cpu(pid: u32) -> Result<Duration> {
    let mut all = Duration::ZERO;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = fs::read_to_string(task?.path().join("schedstat"))?;
        let ns = text.split(' ').next().context("schedstat is empty")?.parse()?;
        all += Duration::from_nanos(ns);
    }
    Ok(all)
}
