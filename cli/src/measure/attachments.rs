//! Interfaces of what is measured, made by the plugins that pods use.

use std::path::PathBuf;

use cni::AddResult;
use cni::runtime::{self, NetworkList, RuntimeCall};
use frames::{End, Mac};
use hostnet::Netns;
use serde_json::{Map, Value, json};

use super::path::{Ends, Keep, Missing};

/// Name of network and container.
const NAME: &str = "fastpath-measure";

/// The interfaces of one namespace; detached on drop, last first.
pub(super) struct Attachments {
    plugins: Vec<PathBuf>,
    /// Where the plugins run, unless it is where this process does.
    host: Option<Netns>,
    netns: PathBuf,
    made: Vec<(NetworkList, RuntimeCall)>,
}

impl Keep for Attachments {}

impl Attachments {
    /// None yet; `plugins` are the directories of CNI plugins.
    pub(super) fn new(plugins: &[PathBuf], netns: &Netns) -> Self {
        let (plugins, netns) = (plugins.to_owned(), netns.path().to_owned());
        Self { plugins, host: None, netns, made: Vec::new() }
    }

    /// Attaches one by the plugin that `conf` names. `ifname` is that of no other interface measured.
    pub(super) fn add(&mut self, ifname: &str, mut conf: Value) -> Result<AddResult, Missing> {
        conf["cniVersion"] = json!("1.1.0");
        conf["name"] = json!(NAME);
        let list = NetworkList::load(conf.to_string().as_bytes())?;
        let call = RuntimeCall {
            container_id: NAME.parse()?,
            ifname: ifname.parse()?,
            netns: Some(self.netns.clone()),
            args: cni::Args::default(),
            capability_args: Map::new(),
            path: self.plugins.clone(),
        };
        runtime::find_plugins(&list, &call.path)?;
        // A killed measurement may have left it.
        self.on_host(|| runtime::del(&list, &call, None))??;
        let result = self.on_host(|| runtime::add(&list, &call))??;
        self.made.push((list, call));
        Ok(result)
    }

    fn on_host<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, hostnet::Error> {
        match &self.host {
            Some(host) => host.run(work),
            None => Ok(work()),
        }
    }
}

impl Drop for Attachments {
    fn drop(&mut self) {
        for (list, call) in self.made.iter().rev() {
            let failed = |why: &dyn std::error::Error| {
                let why = cni::chain(why);
                log::error!("detach {}: {why}; measure again to try again", call.ifname);
            };
            match self.on_host(|| runtime::del(list, call, None)) {
                Ok(Ok(())) => {}
                Ok(Err(error)) => failed(&error),
                Err(error) => failed(&error),
            }
        }
    }
}

/// An interface of the kernel as that of an end, in a namespace of its own.
pub(super) struct Attached {
    // Detached before its namespace goes.
    _attachments: Attachments,
    netns: Netns,
    ifname: &'static str,
    pub(super) mac: Mac,
    /// Bytes, where the plugin says it.
    pub(super) mtu: Option<u32>,
}

impl Keep for Attached {}

impl Attached {
    /// Attaches it by the plugin that `conf` names, which runs in the namespace `host` where one is given.
    pub(super) fn attach(
        plugins: &[PathBuf],
        host: Option<Netns>,
        ifname: &'static str,
        conf: Value,
    ) -> Result<Self, Missing> {
        let netns = Netns::fresh()?;
        let mut attachments = Attachments::new(plugins, &netns);
        attachments.host = host;
        let result = attachments.add(ifname, conf)?;
        let (mac, mtu) = (mac_of(&result)?, result.interfaces.last().and_then(|last| last.mtu));
        Ok(Self { _attachments: attachments, netns, ifname, mac, mtu })
    }

    /// Opens the interface for frames.
    pub(super) fn open(&self) -> Result<End, Missing> {
        Ok(self.netns.run(|| End::open(self.ifname))??)
    }

    /// From this one to another.
    pub(super) fn ends_with(&self, to: &Self) -> Result<Ends, Missing> {
        Ok(Ends { sender: self.open()?, receiver: to.open()?, to: to.mac, back: self.mac })
    }
}

/// Of the interface in the pod, which comes after those on the host.
pub(super) fn mac_of(result: &AddResult) -> Result<Mac, Missing> {
    let mac = result.interfaces.last().and_then(|interface| interface.mac.as_deref());
    let mac = mac.ok_or_else(|| Missing("the plugin returned no MAC".to_owned()))?;
    Ok(Mac(mac.parse::<hostnet::Mac>()?.0))
}
