//! The report of a node: the latency of its paths, measured.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Datapath, Error};

mod check;

/// The version of the report that is read and written.
pub const VERSION: u64 = 1;

/// What was measured on a node. As JSON: `/var/lib/fastpath/measure.json` and the annotation
/// `fastpath.dev/paths`.
///
/// [`Report::from_json`] and [`Report::to_json`] accept a report only when its numbers can be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// [`VERSION`].
    pub version: u64,
    /// Name of the node.
    pub node: String,
    /// When the measurement ended.
    pub measured_at: Timestamp,
    /// How it was measured, in a few words.
    pub method: String,
    /// Release of the node's kernel.
    pub kernel: String,
    /// Load average of the node over one minute, before the measurement.
    pub load1: f64,
    /// One for each path, each with a name of its own.
    pub paths: Vec<PathReport>,
}

/// The latency of one path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PathReport {
    /// What was measured. `<path>-pod` is the path with a pod in it, whose p99 decides.
    pub name: String,
    /// The path that it is a measurement of.
    pub path: Datapath,
    /// Kernel driver of the device that the packets took.
    pub driver: String,
    /// NUMA node of that device, where it has one.
    pub numa: Option<u32>,
    /// Size of a packet.
    pub size_bytes: u32,
    /// Packets sent in a second.
    pub rate_pps: u32,
    /// How often the measurement was repeated; the counts and figures are of all rounds.
    pub rounds: u32,
    /// Packets sent.
    pub sent: u64,
    /// Packets that came back.
    pub received: u64,
    /// Packets that did not: `sent - received`.
    pub lost: u64,
    /// Packets that came back after one that was sent later.
    pub reordered: u64,
    /// The latency of those received; none when none was.
    pub us: Option<Microseconds>,
    /// 95 % confidence interval of the median, µs; none when there were too few rounds to tell.
    #[serde(rename = "p50Interval95")]
    pub p50_interval95: Option<[f64; 2]>,
}

/// Percentiles of a latency, in microseconds, in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Microseconds {
    /// The least.
    pub min: f64,
    /// Median.
    pub p50: f64,
    /// Of 90 %.
    pub p90: f64,
    /// Of 99 %.
    pub p99: f64,
    /// Of 99.9 %.
    #[serde(rename = "p99.9")]
    pub p99_9: f64,
    /// The greatest.
    pub max: f64,
}

impl Report {
    /// Reads a report. Unknown keys are ignored.
    ///
    /// # Errors
    /// [`Error`], with the key, when it is of another version, or its values cannot be.
    pub fn from_json(json: &[u8]) -> Result<Self, Error> {
        // A report of another version may have any shape, and its version is what is wrong with it.
        let Versioned { version } = read(json)?;
        if version != VERSION {
            return Err(Error::Version { found: version });
        }
        let report: Self = read(json)?;
        report.check()?;
        Ok(report)
    }

    /// The report as one line of JSON.
    ///
    /// # Errors
    /// [`Error`] when [`Report::from_json`] would not accept it.
    pub fn to_json(&self) -> Result<String, Error> {
        self.check()?;
        serde_json::to_string(self).map_err(|source| Error::Json { source })
    }

    fn check(&self) -> Result<(), Error> {
        if self.version != VERSION {
            return Err(Error::Version { found: self.version });
        }
        check::text("node", &self.node)?;
        check::text("method", &self.method)?;
        check::text("kernel", &self.kernel)?;
        check::not_negative("load1", self.load1)?;
        let mut names = BTreeSet::new();
        for (index, path) in self.paths.iter().enumerate() {
            let key = |key: &str| format!("paths[{index}].{key}");
            check::path(path, &key)?;
            let new = names.insert(&path.name);
            check::is(new, key("name"), &path.name, "another name than those before it")?;
        }
        Ok(())
    }
}

impl PathReport {
    /// Whether every packet came back.
    #[must_use]
    pub fn loss_free(&self) -> bool {
        self.lost == 0
    }
}

#[derive(Deserialize)]
struct Versioned {
    version: u64,
}

fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, Error> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let key = error.path().to_string();
        let source = error.into_inner();
        if source.is_data() { Error::Shape { key, source } } else { Error::Json { source } }
    })?;
    reader.end().map_err(|source| Error::Json { source })?;
    Ok(value)
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
