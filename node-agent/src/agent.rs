//! The long-running agent: what changes is read anew, and told to kubelet.

mod care;
mod reporting;
mod run;
mod told;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use deviceplugin::Plugin;
use hostnet::Host;
use journal::Journal;
use policy::Datapath;

use crate::caretaker::{Caretaker, Means};
use crate::config::{Config, Kind};
use crate::health::live_claims;
use crate::inventory::Inventory;
use crate::offer::Offer;
use crate::pools::{self, Pool};
use crate::report::{self, Facts};
use crate::watch::{Change, Changes};
use crate::{http, install};
use care::Care;
use reporting::Reporting;
use told::Told;

pub(crate) use run::Run;

/// Records of attachments change without a message to us, mostly beside one of the kernel.
const PERIOD: Duration = Duration::from_secs(30);

/// The agent at work.
struct Agent {
    config: Config,
    host: Host,
    /// Of the plugins that claim devices.
    journals: [Journal; 3],
    inventory: Inventory,
    pools: Vec<Pool>,
    told: Arc<Told>,
    care: Care,
    reporting: Option<Reporting>,
}

/// Works until the future is dropped.
async fn serve(config: Config, host: Host, report: Option<report::Config>) -> Result<()> {
    let listener = http::listen(config.listen).await?;
    let mut changes = Changes::begin(&config.ovsdb)?;
    let mut agent = Agent::set_up(config, host, report)?;
    agent.tell()?;
    agent.offer();
    tokio::spawn(http::serve(listener, Arc::clone(&agent.told) as Arc<_>));
    loop {
        agent.renew_token();
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
    fn set_up(config: Config, host: Host, report: Option<report::Config>) -> Result<Self> {
        let pools = pools::set_up(&config, &host)?;
        let inventory = Inventory::read(&host, &config.ovsdb)?;
        let open = |plugin| Journal::open(&host.state, &host.proc, plugin);
        let journals = [open("sriov")?, open("vhostuser")?, open("ovn")?];
        let offer = |pool: &Pool| Arc::new(Offer::new(pool.clone(), &host, config.cdi));
        let told = Arc::new(Told::new(pools.iter().map(offer).collect(), &host));
        let means = Means::new(&host, config.cni_bin_dir.clone(), config.ovsdb.clone());
        let care = Care::begin(Caretaker::new(&host, means)?, Arc::clone(&told))?;
        let facts = facts(&pools, &inventory);
        let reporting = report.map(|report| Reporting::begin(report, facts)).transpose()?;
        Ok(Self { config, host, journals, inventory, pools, told, care, reporting })
    }

    /// Offers the pools to kubelet. One without devices is offered as well: it may get some.
    fn offer(&self) {
        let dir = self.host.kubelet.join("device-plugins");
        for (offer, state) in self.told.offers() {
            let plugin = Plugin::new(Arc::clone(offer) as Arc<_>, &dir);
            tokio::spawn(plugin.run(state.clone()));
        }
    }

    fn take(&mut self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Devices => {}
                Change::Switch(Ok(switch)) => {
                    let back = self.inventory.switch.is_none();
                    (self.inventory.switch, self.inventory.no_switch) = (Some(switch), None);
                    if back {
                        let (config, pools) = (self.config.clone(), self.pools.clone());
                        tokio::task::spawn_blocking(move || pools::bridges(&config, &pools));
                        self.care.look();
                    }
                }
                Change::Switch(Err(why)) => {
                    log::warn!("the switch does not answer: {why}");
                    (self.inventory.switch, self.inventory.no_switch) = (None, Some(why));
                }
            }
        }
    }

    /// multus-lite reads a copy of the service account's token, which ends soon.
    fn renew_token(&self) {
        let mounted = Path::new(install::SERVICE_ACCOUNT);
        match install::refresh_token(&self.host, mounted) {
            Ok(true) => log::info!("the token of multus-lite is renewed"),
            Ok(false) => {}
            Err(error) => log::error!("renew the token of multus-lite: {error:#}"),
        }
    }

    /// Reads anew what may have changed, and tells it.
    fn look(&mut self) -> Result<()> {
        self.inventory.refresh(&self.host)?;
        match pools::admit(&self.config, &self.host, &mut self.pools, &self.inventory.functions) {
            Ok(false) => {}
            // They were bound.
            Ok(true) => self.inventory.refresh(&self.host)?,
            // What is new cannot be taken up; what was there is judged all the same.
            Err(error) => log::error!("{error:#}"),
        }
        self.tell()
    }

    fn tell(&self) -> Result<()> {
        let mut claims = BTreeSet::new();
        for journal in &self.journals {
            claims.extend(live_claims(journal)?);
        }
        for (pool, (offer, _)) in self.pools.iter().zip(self.told.offers()) {
            offer.update(pool, &self.inventory, &claims);
        }
        self.told.switch(self.inventory.switch.is_some());
        if let Some(reporting) = &self.reporting {
            reporting.tell(facts(&self.pools, &self.inventory));
        }
        Ok(())
    }
}

/// What the node offers: by its pools, whether or not they have anything to hand out just now; and what no
/// pool hands out.
fn facts(pools: &[Pool], inventory: &Inventory) -> Facts {
    let vfs = |pool: &Pool| pool.members.values().any(|member| member.vf.is_some());
    let slots = |pool: &Pool| matches!(pool.spec.kind, Kind::Slots(_));
    let all = Facts::of(inventory);
    let offered = [
        (Datapath::Vf, pools.iter().any(vfs)),
        (Datapath::OvsDpdk, pools.iter().any(slots)),
        (Datapath::Ovn, all.paths.contains(&Datapath::Ovn)),
        (Datapath::Kernel, true),
    ];
    let paths = offered.into_iter().filter_map(|(path, there)| there.then_some(path)).collect();
    Facts { paths, ..all }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{Machine, Switch};

    #[test]
    fn what_no_pool_hands_out_is_offered_all_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let switch = Switch {
            version: None,
            dpdk_version: None,
            dpdk_initialized: true,
            pmd_cpu_mask: None,
            bridges: Vec::new(),
            chassis: Some("a".to_owned()),
        };
        let inventory = Inventory {
            machine: Machine::read(dir.path(), dir.path()),
            functions: Vec::new(),
            switch: Some(switch),
            no_switch: None,
        };
        assert_eq!(facts(&[], &inventory).paths, [Datapath::Ovn, Datapath::Kernel]);
    }
}
