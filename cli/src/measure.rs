//! `fastpath measure`: the latency of every path that this node has.
//!
//! Touches: network namespaces without a name, which go with this process however it ends; a bridge
//! `fpmeasure` of OVS-DPDK; a logical switch `fpmeasure` of OVN; attachments of the container `fastpath-measure`,
//! made by the same plugins that pods use. All of it is given back, also after Ctrl-C; what a killed measurement
//! left, the next one removes.

mod attachments;
mod command;
mod kernel;
mod ovn;
mod ovs;
mod path;
mod picture;
mod pod;
mod results;
mod rounds;
mod scale;
mod suggest;
mod terminal;
mod vf;
mod words;

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::Path as FilePath;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail};
use frames::Stamps;
use policy::{Bands, Report};

pub(crate) use command::Measure;

use crate::host::Host;
use path::{Ends, Missing, Path, PathName};
use results::Measurement;
use rounds::{Measured, Plan};

/// Where `--publish` puts the report, below the state directory.
const PUBLISHED: &str = "/var/lib/fastpath/measure.json";

/// Held while something is measured: two would take each other's attachments for those of a killed one.
const LOCK: &str = "/run/fastpath/measure.lock";

/// Exit status of a program that was interrupted (128 + SIGINT).
const INTERRUPTED: u8 = 130;

impl Measure {
    pub(crate) fn run(&self, host: &Host) -> Result<ExitCode> {
        if !self.suggest_bands.is_empty() {
            return suggest::print(&self.suggest_bands);
        }
        let stop = Arc::new(AtomicBool::new(false));
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            signal_hook::flag::register(signal, Arc::clone(&stop)).context("listen for signals")?;
        }
        let _alone = alone(FilePath::new(LOCK))?;
        let load1 = results::load1();
        let (mut paths, missing) = self.set_up(host, &stop);
        for (name, Missing(why)) in &missing {
            eprint(&format!("{name} is not measured: {why}\n"))?;
        }
        if stop.load(Ordering::Relaxed) {
            return Ok(ExitCode::from(INTERRUPTED));
        }
        if paths.is_empty() {
            bail!("there is no path to measure");
        }
        let (mut floor, _cable) =
            kernel::floor().map_err(|Missing(why)| anyhow::anyhow!("measure the floor: {why}"))?;
        let mut ends: Vec<&mut Ends> = vec![&mut floor];
        ends.extend(paths.iter_mut().map(|path| &mut path.ends));
        let plan = self.plan();
        let Some(mut measured) = rounds::measure(&plan, &mut ends, &stop)? else {
            return Ok(ExitCode::from(INTERRUPTED));
        };
        let floor = measured.remove(0);
        let results: Vec<Measurement> = paths
            .iter()
            .zip(measured)
            .map(|(path, measured)| Measurement {
                name: path.name,
                driver: path.driver.clone(),
                numa: path.numa,
                measured,
            })
            .collect();
        // Before anything is said: what is shown is measured, and the node is as it was.
        drop(paths);
        let report = results::report(&results, &plan, method(&floor, &results), load1);
        self.tell(&report, &results)?;
        let asked = missing.iter().any(|(name, _)| self.paths.contains(name));
        Ok(if asked { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }

    /// Sets up what is asked for, and says of the rest why it cannot be.
    fn set_up(&self, host: &Host, stop: &AtomicBool) -> (Vec<Path>, Vec<(PathName, Missing)>) {
        let (mut paths, mut missing) = (Vec::new(), Vec::new());
        let mut switch = None;
        for name in self.wanted() {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let made = match name {
                PathName::Kernel => kernel::bridge(),
                PathName::OvsDpdk | PathName::OvsDpdkPod => {
                    let opened = switch.get_or_insert_with(|| ovs::Switch::open(&self.ovsdb));
                    match opened {
                        Ok(switch) if name == PathName::OvsDpdk => ovs::direct(switch),
                        Ok(switch) => ovs::pod(switch, &host.path, &self.pod_command),
                        Err(Missing(why)) => Err(Missing(why.clone())),
                    }
                }
                PathName::Ovn => ovn::ports(&self.overlay, &self.ovsdb, &host.path, self.size),
                PathName::Vf => vf::direct(&self.pfs, &host.path),
                PathName::VfPod => vf::pod(&self.pfs, &host.path, &self.pod_command),
            };
            match made.and_then(|path| ready(path, stop)) {
                Ok(path) => paths.push(path),
                Err(why) => missing.push((name, why)),
            }
        }
        (paths, missing)
    }

    /// Prints, writes, publishes.
    fn tell(&self, report: &Report, results: &[Measurement]) -> Result<()> {
        let bands = Bands::default();
        let json = report.to_json().context("the figures make no report")?;
        print(&terminal::text(report, &bands))?;
        if let Some(file) = &self.json {
            fs::write(file, &json).with_context(|| format!("write {}", file.display()))?;
        }
        if let Some(file) = &self.svg {
            let curves: Vec<_> = results.iter().map(Measurement::curve).collect();
            let picture = picture::svg(report, &curves, &bands, &words::notes(report))?;
            fs::write(file, picture).with_context(|| format!("write {}", file.display()))?;
        }
        if self.publish {
            publish(FilePath::new(PUBLISHED), &json)?;
        }
        Ok(())
    }

    fn plan(&self) -> Plan {
        Plan {
            rounds: self.rounds,
            rate_pps: self.rate,
            count: self.rate.saturating_mul(self.duration).max(1),
            size_bytes: self.size,
        }
    }
}

/// The lock, for as long as the file is open.
fn alone(file: &FilePath) -> Result<File> {
    let dir = file.parent().context("no directory")?;
    fs::create_dir_all(dir).with_context(|| format!("create {}", dir.display()))?;
    let lock = File::create(file).with_context(|| format!("create {}", file.display()))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => bail!("another measurement is running; wait for its end"),
        Err(TryLockError::Error(error)) => Err(error).context(format!("lock {}", file.display())),
    }
}

/// Waits until frames come through.
fn ready(mut path: Path, stop: &AtomicBool) -> Result<Path, Missing> {
    let Path { ends, program, .. } = &mut path;
    let mut ended = || program.as_mut().is_some_and(pod::Program::has_ended);
    match rounds::await_path(ends, || stop.load(Ordering::Relaxed) || ended()) {
        Ok(()) => Ok(path),
        Err(Missing(why)) => {
            let said = path.program.as_mut().map(pod::Program::last_words).unwrap_or_default();
            let separator = if said.is_empty() { "" } else { "; the pod's program said: " };
            Err(Missing(format!("{why}{separator}{said}")))
        }
    }
}

/// How it was measured, with what the measuring itself takes.
fn method(floor: &Measured, results: &[Measurement]) -> String {
    let hardware = results.iter().any(|result| result.measured.stamps == Stamps::Hardware);
    let stamps = if hardware { "the card's or the kernel's" } else { "the kernel's" };
    let us = |quantile| floor.us(quantile).unwrap_or_default();
    let sent: u64 = results.iter().map(|result| result.measured.sent).sum();
    let late: u64 = results.iter().map(|result| result.measured.late_sends).sum();
    format!(
        "one way, AF_PACKET, clock read before send, {stamps} stamp on arrival; floor (a veth pair) p50 {:.1} us, p99 {:.1} us; \
         {late} of {sent} frames sent late",
        us(0.5),
        us(0.99)
    )
}

/// As a whole or not at all: the node agent reads it at any time.
fn publish(file: &FilePath, json: &str) -> Result<()> {
    let dir = file.parent().context("no directory")?;
    fs::create_dir_all(dir).with_context(|| format!("create {}", dir.display()))?;
    let mut half = tempfile::NamedTempFile::new_in(dir).context("publish the report")?;
    half.write_all(json.as_bytes()).context("publish the report")?;
    half.persist(file).with_context(|| format!("write {}", file.display()))?;
    Ok(())
}

fn print(text: &str) -> Result<()> {
    io::stdout().write_all(text.as_bytes()).context("write to stdout")
}

fn eprint(text: &str) -> Result<()> {
    io::stderr().write_all(text.as_bytes()).context("write to stderr")
}
