//! The long-running agent: what changes is read anew, and told to kubelet.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use deviceplugin::{Plugin, State};
use hostnet::Host;
use journal::Journal;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::config::{self, Config};
use crate::health::live_claims;
use crate::inventory::Inventory;
use crate::offer::Offer;
use crate::pools::{self, Pool};
use crate::watch::{Change, Changes};

/// Records of attachments change without a message to us, mostly beside one of the kernel.
const PERIOD: Duration = Duration::from_secs(30);

/// Run as long as the node does: hand out devices, report, repair
#[derive(Args)]
pub(crate) struct Run {
    /// What is wanted of this node
    #[arg(long, value_name = "FILE", default_value = config::FILE)]
    config: PathBuf,
}

impl Run {
    pub(crate) fn run(&self, host: &Host) -> Result<()> {
        let config = Config::read(&self.config)?;
        // One thread for all: what is asked of the agent is answered in a moment.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("start an event loop")?;
        runtime.block_on(async {
            let end = [SignalKind::terminate(), SignalKind::interrupt()].map(signal);
            let [terminate, interrupt] = end.map(|signal| signal.context("listen for signals"));
            let (mut terminate, mut interrupt): (Signal, Signal) = (terminate?, interrupt?);
            tokio::select! {
                done = serve(config, host.clone()) => done,
                _ = terminate.recv() => Ok(()),
                _ = interrupt.recv() => Ok(()),
            }
        })
    }
}

/// The agent at work.
struct Agent {
    config: Config,
    host: Host,
    journal: Journal,
    inventory: Inventory,
    pools: Vec<Pool>,
    offers: Vec<Arc<Offer>>,
}

async fn serve(config: Config, host: Host) -> Result<()> {
    let mut changes = Changes::begin(&config.ovsdb)?;
    let mut agent = Agent::set_up(config, host)?;
    agent.tell()?;
    agent.offer();
    loop {
        let some = tokio::select! {
            some = changes.next() => some,
            () = tokio::time::sleep(PERIOD) => vec![Change::Devices],
        };
        agent.take(some);
        if let Err(error) = agent.look() {
            log::error!("{error:#}");
        }
    }
}

impl Agent {
    fn set_up(config: Config, host: Host) -> Result<Self> {
        let pools = pools::set_up(&config, &host)?;
        let inventory = Inventory::read(&host, &config.ovsdb)?;
        let journal = Journal::open(&host.state, &host.proc, "sriov")?;
        let offers = pools.iter().map(|pool| Arc::new(Offer::new(pool.clone(), &host))).collect();
        Ok(Self { config, host, journal, inventory, pools, offers })
    }

    /// Offers the pools to kubelet. One without devices is offered as well: it may get some.
    fn offer(&self) {
        let dir = self.host.kubelet.join("device-plugins");
        for offer in &self.offers {
            let plugin = Plugin::new(Arc::clone(offer) as Arc<_>, &dir);
            tokio::spawn(plugin.run(watch::Sender::new(State::Waiting)));
        }
    }

    fn take(&mut self, changes: Vec<Change>) {
        for change in changes {
            let Change::Switch(switch) = change else { continue };
            match switch {
                Ok(switch) => {
                    let back = self.inventory.switch.is_none();
                    (self.inventory.switch, self.inventory.no_switch) = (Some(switch), None);
                    if back {
                        let (config, pools) = (self.config.clone(), self.pools.clone());
                        tokio::task::spawn_blocking(move || pools::bridges(&config, &pools));
                    }
                }
                Err(why) => {
                    log::warn!("the switch does not answer: {why}");
                    (self.inventory.switch, self.inventory.no_switch) = (None, Some(why));
                }
            }
        }
    }

    /// Reads anew what may have changed, and tells it.
    fn look(&mut self) -> Result<()> {
        self.inventory.refresh(&self.host)?;
        if pools::admit(&self.config, &self.host, &mut self.pools, &self.inventory.functions)? {
            // They were bound.
            self.inventory.refresh(&self.host)?;
        }
        self.tell()
    }

    fn tell(&self) -> Result<()> {
        let claims = live_claims(&self.journal)?;
        for (pool, offer) in self.pools.iter().zip(&self.offers) {
            offer.update(pool, &self.inventory, &claims);
        }
        Ok(())
    }
}
