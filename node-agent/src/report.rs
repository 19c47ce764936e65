//! What the cluster is told of the node: labels, and the measured report. Written when a label changes,
//! renewed before it is out of date, taken back when nobody is left to renew it.
//!
//! A reader's way: `content` is what is told, `schedule` when, `node` and `nfd` where.

mod command;
mod content;
mod nfd;
mod node;
mod schedule;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use apiserver::Access;
use hostnet::Host;
use jiff::Timestamp;

pub(crate) use command::Print;
pub(crate) use content::{Content, Facts};
use schedule::Schedule;

/// How often is looked whether there is something to tell, at least.
const LOOK: Duration = Duration::from_mins(1);

/// The longest report that is read. All annotations of an object together may have 256 KiB.
const LONGEST_REPORT: u64 = 64 << 10;

/// What is told where.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// Name of the Node object.
    pub(crate) node: String,
    /// Where `fastpath measure --publish` leaves its report.
    pub(crate) measured: PathBuf,
    /// Where to tell it.
    pub(crate) target: Target,
}

/// Where the node is described. Who wants no report makes no [`Reporter`].
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// On the Node object: labels and annotations.
    Api {
        /// How the API server is reached.
        access: Access,
        /// Tell the labels `dpdk` and `ovs-dpdk`, too.
        legacy_labels: bool,
    },
    /// In a feature file for Node Feature Discovery, which makes labels of it: no annotations, and no
    /// labels without a domain.
    Nfd {
        /// Where NFD's worker looks for them.
        dir: PathBuf,
    },
}

impl Target {
    /// The feature files of this host.
    pub(crate) fn nfd(host: &Host) -> Self {
        Self::Nfd { dir: nfd::dir(host) }
    }
}

/// Tells it, in time. For a thread of its own: a call blocks while it writes, up to [`node::DEADLINE`].
pub(crate) struct Reporter {
    config: Config,
    schedule: Schedule,
    /// What was last wrong with the measured report; said once.
    complaint: Option<String>,
}

impl Reporter {
    pub(crate) fn new(config: Config) -> Self {
        let schedule = Schedule::new(&config.node);
        Self { config, schedule, complaint: None }
    }

    /// Tells what has changed, or renews what has not, if it is time. Returns in how long to call
    /// again; earlier does no harm, and makes sense when the facts have changed.
    pub(crate) fn tick(&mut self, now: Instant, facts: &Facts) -> Duration {
        let content = self.content(facts);
        if self.schedule.wait(now, &content.labels).is_zero() {
            match self.config.write(&content, Timestamp::now()) {
                Ok(()) => {
                    log::debug!("reported: {:?}", content.labels);
                    self.schedule.written(now, content.labels.clone());
                }
                Err(error) => {
                    log::warn!("{error:#}");
                    self.schedule.failed(now);
                }
            }
        }
        self.schedule.wait(now, &content.labels).min(LOOK)
    }

    /// Takes back what was told: nobody is left to renew it.
    ///
    /// # Errors
    /// It stays until it is out of date.
    pub(crate) fn stop(self) -> Result<()> {
        self.config.remove()
    }

    fn content(&mut self, facts: &Facts) -> Content {
        let measured = read_measured(&self.config.measured);
        let complaint = measured.as_ref().err().map(|error| format!("{error:#}"));
        if let Some(text) = complaint.as_ref().filter(|text| Some(*text) != self.complaint.as_ref())
        {
            log::warn!("{text}");
        }
        self.complaint = complaint;
        Content::of(facts, measured.ok().flatten().as_ref(), self.config.legacy_labels())
    }
}

impl Config {
    fn legacy_labels(&self) -> bool {
        matches!(self.target, Target::Api { legacy_labels: true, .. })
    }

    /// Tells it. What was told before and is not in `content` goes.
    fn write(&self, content: &Content, now: Timestamp) -> Result<()> {
        match &self.target {
            Target::Api { access, .. } => node::write(access, &self.node, content, now),
            Target::Nfd { dir } => nfd::write(dir, content, now),
        }
    }

    /// Takes it back.
    fn remove(&self) -> Result<()> {
        match &self.target {
            Target::Api { access, .. } => node::remove(access, &self.node),
            Target::Nfd { dir } => nfd::remove(dir),
        }
    }
}

/// Where the measured report is on a host.
pub(crate) fn measured(host: &Host) -> PathBuf {
    host.state.join("measure.json")
}

/// The measured report; none when nothing was measured yet.
fn read_measured(path: &Path) -> Result<Option<policy::Report>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        file => file,
    };
    let mut text = Vec::new();
    let read = file.and_then(|file| file.take(LONGEST_REPORT + 1).read_to_end(&mut text));
    read.with_context(|| format!("read {}", path.display()))?;
    let hint = || format!("{} cannot be used: measure again", path.display());
    ensure!(text.len() as u64 <= LONGEST_REPORT, "{}: it has more than 64 KiB", hint());
    policy::Report::from_json(&text).map(Some).with_context(hint)
}
