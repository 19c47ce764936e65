//! What the commands print: a line for each interface on stdout, errors on stderr; or JSON.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use cni::{AddResult, AttachmentId, Error, IfName, Version};
use serde_json::{Value, json};

use crate::error_text::{error_json, readable};
use crate::sockets::EalArgs;

/// How to print.
#[derive(Args)]
pub(crate) struct Output {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What a command did.
pub(crate) enum Report {
    /// Attach: and what the container's DPDK application is started with.
    Attached(Vec<Item>, Vec<EalArgs>),
    /// Detach, check.
    Items(Vec<Item>),
    /// Gc.
    Collections(Vec<Collection>),
}

/// One interface and what became of it.
pub(crate) struct Item {
    pub(crate) ifname: String,
    network: String,
    took: Duration,
    pub(crate) state: State,
}

pub(crate) enum State {
    Attached(AddResult),
    Detached,
    Sound,
    Failed(Error),
}

/// One network and what was collected in it.
pub(crate) struct Collection {
    pub(crate) network: String,
    pub(crate) collected: Vec<AttachmentId>,
    pub(crate) error: Option<Error>,
}

impl Output {
    /// What either of them asks for.
    pub(crate) fn or(&self, other: &Self) -> Self {
        Self { json: self.json || other.json }
    }

    /// Prints and chooses the exit status: 1 when anything failed.
    pub(crate) fn print(&self, report: &Result<Report, Error>) -> ExitCode {
        let (stdout, stderr, failed) = match report {
            Err(error) if self.json => (String::new(), line(&error_json(error)), true),
            Err(error) => (String::new(), readable("", error), true),
            Ok(report) if self.json => (line(&report.json()), String::new(), report.failed()),
            Ok(report) => (report.text(), report.errors(), report.failed()),
        };
        let written = io::stdout()
            .write_all(stdout.as_bytes())
            .and_then(|()| io::stderr().write_all(stderr.as_bytes()));
        if failed || written.is_err() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}

fn line(value: &Value) -> String {
    format!("{value}\n")
}

impl Report {
    fn failed(&self) -> bool {
        match self {
            Self::Attached(items, _) | Self::Items(items) => {
                items.iter().any(|item| item.error().is_some())
            }
            Self::Collections(all) => all.iter().any(|one| one.error.is_some()),
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Attached(items, _) | Self::Items(items) => items.iter().map(Item::json).collect(),
            Self::Collections(all) => all.iter().map(Collection::json).collect(),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Attached(items, eal_args) => {
                let args = eal_args
                    .iter()
                    .map(|one| format!("{:<15} {:<15} {}\n", one.ifname, "eal-args", one.args));
                items.iter().filter_map(Item::text).chain(args).collect()
            }
            Self::Items(items) => items.iter().filter_map(Item::text).collect(),
            Self::Collections(all) => all.iter().map(Collection::text).collect(),
        }
    }

    fn errors(&self) -> String {
        match self {
            Self::Attached(items, _) | Self::Items(items) => items
                .iter()
                .filter_map(|item| Some(readable(&item.name(), item.error()?)))
                .collect(),
            Self::Collections(all) => all
                .iter()
                .filter_map(|one| Some(readable(&one.network, one.error.as_ref()?)))
                .collect(),
        }
    }
}

impl Item {
    pub(crate) fn new(ifname: &IfName, network: &str, took: Duration, state: State) -> Self {
        Self { ifname: ifname.to_string(), network: network.to_owned(), took, state }
    }

    pub(crate) fn error(&self) -> Option<&Error> {
        match &self.state {
            State::Failed(error) => Some(error),
            _ => None,
        }
    }

    /// Paths of the sockets in its result.
    pub(crate) fn sockets(&self) -> Vec<PathBuf> {
        let State::Attached(result) = &self.state else { return Vec::new() };
        let paths = result.interfaces.iter().filter_map(|interface| interface.socket_path.as_ref());
        paths.map(PathBuf::from).collect()
    }

    fn name(&self) -> String {
        format!("{} ({})", self.ifname, self.network)
    }

    fn text(&self) -> Option<String> {
        let what = match &self.state {
            State::Attached(result) => describe(&self.ifname, result),
            State::Detached => "detached".to_owned(),
            State::Sound => "ok".to_owned(),
            State::Failed(_) => return None,
        };
        let Self { ifname, network, took, .. } = self;
        Some(format!("{ifname:<15} {network:<15} {what}  {} ms\n", took.as_millis()))
    }

    fn json(&self) -> Value {
        let (state, key, value) = match &self.state {
            State::Attached(result) => {
                let value = result.to_json(Version::LATEST).unwrap_or_else(|e| error_json(&e));
                ("attached", Some("result"), value)
            }
            State::Detached => ("detached", None, Value::Null),
            State::Sound => ("ok", None, Value::Null),
            State::Failed(error) => ("failed", Some("error"), error_json(error)),
        };
        let ms = u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX);
        let mut object =
            json!({ "ifname": self.ifname, "network": self.network, "ms": ms, "state": state });
        if let Some(key) = key {
            object[key] = value;
        }
        object
    }
}

/// MAC, addresses, device and socket of the container's interface.
fn describe(ifname: &str, result: &AddResult) -> String {
    let inside = |interface: &&cni::Interface| interface.name == ifname;
    let index = result.interfaces.iter().position(|interface| inside(&interface));
    let interface = index.map(|index| &result.interfaces[index]);
    let mut text = interface.and_then(|i| i.mac.clone()).unwrap_or_else(|| "no mac".to_owned());
    let ours = |ip: &&cni::IpConfig| ip.interface.is_none() || ip.interface == index;
    let ips: Vec<_> = result.ips.iter().filter(ours).map(|ip| ip.address.to_string()).collect();
    let ips = if ips.is_empty() { "no ip".to_owned() } else { ips.join(",") };
    // Writing to a String does not fail.
    write!(text, "  {ips}").ok();
    if let Some(pci) = interface.and_then(|i| i.pci_id.as_ref()) {
        write!(text, "  pci {pci}").ok();
    }
    if let Some(socket) = interface.and_then(|i| i.socket_path.as_ref()) {
        write!(text, "  socket {socket}").ok();
    }
    text
}

impl Collection {
    fn text(&self) -> String {
        if self.collected.is_empty() && self.error.is_none() {
            return format!("{}: nothing to collect\n", self.network);
        }
        let one = |id: &AttachmentId| {
            format!("{}: collected {} of {}\n", self.network, id.ifname, id.container_id)
        };
        self.collected.iter().map(one).collect()
    }

    fn json(&self) -> Value {
        let mut object = json!({ "network": self.network, "collected": self.collected });
        if let Some(error) = &self.error {
            object["error"] = error_json(error);
        }
        object
    }
}
