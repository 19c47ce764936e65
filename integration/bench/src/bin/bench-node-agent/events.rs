//! How soon kubelet knows: in the test VM, from a real uevent.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use testkit::device_plugin::KUBELET_DIR;
use testkit::kubelet::{Kubelet, Watch};
use testkit::node_agent::NodeAgent;

const CONFIG: &str = "pools: [{name: vf, vfs: {pfs: [eth0], create: 7, driver: vfio-pci}}]\n";
const VF: &str = "0000:01:10.0";
const LONG: Duration = Duration::from_secs(30);

#[derive(Default)]
pub(crate) struct Times {
    pub(crate) unbound: Vec<Duration>,
    pub(crate) bound: Vec<Duration>,
}

/// Takes the driver of one of seven VFs away and gives it back, again and again.
pub(crate) fn measure(rounds: usize) -> Result<Times> {
    let mut kubelet = Kubelet::new(Path::new(KUBELET_DIR));
    kubelet.start(None);
    let _agent = NodeAgent::start(CONFIG);
    kubelet.wait_registered(1);
    let mut stream = kubelet.watch("fastpath.dev/vf");
    await_health(&kubelet, &mut stream, true)?;
    let mut times = Times::default();
    for _ in 0..rounds {
        times.unbound.push(timed(&kubelet, &mut stream, "drivers/vfio-pci/unbind", false)?);
        times.bound.push(timed(&kubelet, &mut stream, "drivers_probe", true)?);
    }
    Ok(times)
}

/// From the end of the write, after which the kernel has sent its message.
fn timed(kubelet: &Kubelet, stream: &mut Watch, file: &str, healthy: bool) -> Result<Duration> {
    fs::write(Path::new("/sys/bus/pci").join(file), VF).with_context(|| file.to_owned())?;
    let begin = Instant::now();
    await_health(kubelet, stream, healthy)?;
    Ok(begin.elapsed())
}

fn await_health(kubelet: &Kubelet, stream: &mut Watch, healthy: bool) -> Result<()> {
    let wanted = if healthy { "Healthy" } else { "Unhealthy" };
    loop {
        let devices = kubelet.next(stream, LONG).context("kubelet was not told")?;
        if devices.iter().any(|device| device.id == VF && device.health == wanted) {
            return Ok(());
        }
    }
}
