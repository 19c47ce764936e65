//! `fastpath attach`: ADD, for each interface in the order given; all of them or none.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Instant;

use clap::Args;
use cni::runtime::{NetworkList, RuntimeCall};
use cni::{ContainerId, Error, IfName, code};
use serde_json::{Map, Value};

use crate::detach::detach_all;
use crate::host::{Host, existing_netns};
use crate::output::{Item, Report, State};
use crate::sockets;

/// Attach a container: one interface for each IFNAME=FILE, all of them or none
#[derive(Args)]
pub(crate) struct Attach {
    /// Network namespace of the container
    #[arg(long, value_name = "NAME|PATH")]
    netns: PathBuf,
    /// Id of the container: any name, the same for detach and check
    #[arg(long, value_name = "ID")]
    id: ContainerId,
    /// Extra arguments for the plugins (`CNI_ARGS`)
    #[arg(long, value_name = "K=V;K=V", default_value = "", value_parser = cni::Args::parse)]
    args: cni::Args,
    /// Values for capabilities, a JSON object; each plugin gets those it declares
    #[arg(long, value_name = "JSON", default_value = "{}", value_parser = capabilities)]
    capabilities: Map<String, Value>,
    /// Name of an interface and the file with its network: a configuration or a list of them
    #[arg(value_name = "IFNAME=FILE", required = true)]
    interfaces: Vec<Wanted>,
}

/// One `IFNAME=FILE`.
#[derive(Clone)]
struct Wanted {
    ifname: IfName,
    file: PathBuf,
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (ifname, file) = text.split_once('=').ok_or("it must have the form IFNAME=FILE")?;
        let ifname = ifname.parse().map_err(|error: cni::env::ArgumentError| error.to_string())?;
        Ok(Self { ifname, file: file.into() })
    }
}

fn capabilities(text: &str) -> Result<Map<String, Value>, String> {
    serde_json::from_str(text).map_err(|error| format!("it must be a JSON object: {error}"))
}

impl Attach {
    pub(crate) fn run(self, host: &Host) -> Result<Report, Error> {
        let networks = self.networks()?;
        let netns = existing_netns(&self.netns)?;
        let mut items = Vec::new();
        for (ifname, network) in networks {
            let item = self.attach(host, ifname, &network, &netns);
            let failed = item.error().is_some();
            items.push(item);
            if failed {
                self.take_back(host, &mut items);
                break;
            }
        }
        let sockets: Vec<PathBuf> = items.iter().flat_map(Item::sockets).collect();
        let eal_args = sockets::eal_args(&host.run_dir, &sockets, &self.id);
        Ok(Report::Attached(items, eal_args))
    }

    /// Reads and validates everything before the first plugin runs.
    fn networks(&self) -> Result<Vec<(&IfName, NetworkList)>, Error> {
        let mut seen = BTreeSet::new();
        let load = |wanted| {
            let Wanted { ifname, file }: &Wanted = wanted;
            if !seen.insert(ifname) {
                let hint = "every interface of a container needs a name of its own";
                return Err(Error::new(code::CONFIG, format!("{ifname} is named twice"), hint));
            }
            Ok((ifname, NetworkList::load_file(file)?))
        };
        self.interfaces.iter().map(load).collect()
    }

    fn attach(&self, host: &Host, ifname: &IfName, network: &NetworkList, netns: &Path) -> Item {
        let call = RuntimeCall {
            container_id: self.id.clone(),
            ifname: ifname.clone(),
            netns: Some(netns.to_owned()),
            args: self.args.clone(),
            capability_args: self.capabilities.clone(),
            path: host.path.clone(),
        };
        let start = Instant::now();
        let state = match host.cache().add(network, &call) {
            Ok(result) => State::Attached(result),
            Err(error) => State::Failed(error),
        };
        Item::new(ifname, &network.name, start.elapsed(), state)
    }

    /// Detaches what this command attached; the last item is the one that failed.
    fn take_back(&self, host: &Host, items: &mut Vec<Item>) {
        let Some(failed) = items.pop() else { return };
        let ours = |ifname: &IfName| items.iter().any(|item| item.ifname == ifname.as_str());
        let outcome = host.cache().entries().map(|mut entries| {
            entries.retain(|entry| entry.container_id == self.id && ours(&entry.ifname));
            detach_all(host, &entries)
        });
        match outcome {
            Ok(detached) => *items = detached,
            Err(error) => {
                for item in items.iter_mut() {
                    item.state = State::Failed(error.clone());
                }
            }
        }
        items.push(failed);
    }
}
