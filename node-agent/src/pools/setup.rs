//! Making the node what the configuration wants: VFs, their drivers, slots, bridges. Each step may be
//! repeated, and changes nothing that a pod has.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use hostnet::Host;
use journal::{Journal, Locks};
use ovsdb::{Address, Vswitch};
use vf::{Binding, Function, Pf, Sysfs};

use super::{Pool, fill, slots};
use crate::config::{Config, Driver, Kind, VfSpec};
use crate::health::live_claims;

const LOCK_DEADLINE: Duration = Duration::from_mins(1);
/// VFs that were just made are probed one by one.
const PROBE_DEADLINE: Duration = Duration::from_secs(30);
const SWITCH_DEADLINE: Duration = Duration::from_secs(10);

/// Makes what is missing and returns the pools with their devices.
///
/// # Errors
/// What can never be: more VFs than a PF has, a driver that is not installed, overlapping pools. What may be
/// later (a PF or a switch that is not there yet) is logged.
pub(crate) fn set_up(config: &Config, host: &Host) -> Result<Vec<Pool>> {
    let sysfs = Sysfs::new(&host.sys);
    let mut pools = Pool::all(config);
    for pool in &pools {
        if let Kind::Vfs(vfs) = &pool.spec.kind {
            make_vfs(&sysfs, host, vfs).with_context(|| of_line(pool))?;
        }
    }
    admit(config, host, &mut pools, &sysfs.functions()?)?;
    for pool in &pools {
        if let Kind::Slots(of_bridge) = &pool.spec.kind {
            slots::make(pool, of_bridge, &host.run)?;
        }
    }
    slots::remove_others(&pools, &host.run)?;
    bridges(config, &pools);
    Ok(pools)
}

/// Takes up what pools select of these functions and do not have yet, and binds it. Whether there was any.
///
/// # Errors
/// As [`set_up`].
pub(crate) fn admit(
    config: &Config,
    host: &Host,
    pools: &mut [Pool],
    functions: &[Function],
) -> Result<bool> {
    let count = |pools: &[Pool]| pools.iter().map(|pool| pool.members.len()).sum::<usize>();
    let before = count(pools);
    fill(pools, functions, config.first_wins)?;
    if before > 0 && count(pools) == before {
        return Ok(false);
    }
    list(pools, host)?;
    for pool in &*pools {
        if let Kind::Vfs(vfs) = &pool.spec.kind {
            bind(host, pool, vfs, functions).with_context(|| of_line(pool))?;
        }
    }
    Ok(true)
}

/// Where the sriov plugin's static dialect sees which VFs to leave alone.
fn list(pools: &[Pool], host: &Host) -> Result<()> {
    let vfs = |pool: &Pool| pool.members.values().filter_map(|m| Some(m.vf?.to_string())).collect();
    let lists = pools.iter().map(|pool| (pool.spec.resource.as_str(), vfs(pool)));
    Ok(journal::write_pools(&host.state, lists)?)
}

fn of_line(pool: &Pool) -> String {
    format!("the pool {} of line {}", pool.spec.name(), pool.spec.line)
}

/// `sriov_numvfs` is changed only from 0.
fn make_vfs(sysfs: &Sysfs, host: &Host, vfs: &VfSpec) -> Result<()> {
    let Some(wanted) = vfs.create else { return Ok(()) };
    let functions = sysfs.functions()?;
    for range in vfs.selectors.iter().flat_map(|selector| &selector.pfs) {
        let Some(function) = functions.iter().find(|pf| range.is(pf)) else {
            log::warn!("this node has no PF {}", range.pf);
            continue;
        };
        if wanted > function.total_vfs {
            bail!("{} can have {} VFs, and not {wanted}", range.pf, function.total_vfs);
        }
        if function.vfs > 0 {
            if function.vfs < wanted {
                log::warn!(
                    "{} has {} VFs, {wanted} are wanted: drain the node and write 0 to its sriov_numvfs",
                    range.pf,
                    function.vfs
                );
            }
            continue;
        }
        let netdev = function.links.first().map(|link| link.name.clone()).unwrap_or_default();
        let pf = Pf { addr: function.addr, netdev };
        let _lock = Locks::new(&host.run, "sriov").device(&pf.addr.to_string(), LOCK_DEADLINE)?;
        log::info!("making {wanted} VFs of {}", range.pf);
        sysfs.make_vfs(&pf, wanted, PROBE_DEADLINE)?;
    }
    Ok(())
}

/// Binds the VFs of a pool to its driver; those that are attached stay as they are.
fn bind(host: &Host, pool: &Pool, vfs: &VfSpec, functions: &[Function]) -> Result<()> {
    let Some(driver) = vfs.driver else { return Ok(()) };
    let sysfs = Sysfs::new(&host.sys);
    if let Some(name) = driver.name()
        && !sysfs.offers_driver(name, &host.modules, &host.proc)
    {
        bail!("driver {name} is neither loaded nor installed");
    }
    if driver == Driver::VfioPci && !pool.members.is_empty() && !sysfs.has_iommu() {
        bail!("vfio-pci needs an IOMMU, and none is on: boot with intel_iommu=on or amd_iommu=on");
    }
    let journal = Journal::open(&host.state, &host.proc, "sriov")?;
    for member in pool.members.values() {
        let Some(vf) = functions.iter().find(|vf| Some(vf.addr) == member.vf) else { continue };
        let Some(pf) = vf.pf else { continue };
        let _lock = Locks::new(&host.run, "sriov").device(&pf.to_string(), LOCK_DEADLINE)?;
        // Looked at under the lock: an ADD may have been faster.
        if live_claims(&journal)?.contains(&vf.addr.to_string()) {
            continue;
        }
        if let Err(error) = bind_one(&sysfs, host, vf, driver) {
            // The others are of use, and this one is unhealthy.
            log::error!("VF {}: {error:#}", vf.addr);
        }
    }
    Ok(())
}

fn bind_one(sysfs: &Sysfs, host: &Host, vf: &Function, driver: Driver) -> Result<()> {
    let dpdk = vf.driver.as_deref().is_some_and(vf::is_dpdk_driver);
    match driver.name() {
        Some(name) if vf.driver.as_deref() == Some(name) => Ok(()),
        Some(_) if vf.driver.is_some() && !dpdk && vf.links.is_empty() => {
            Err(anyhow!("its interface is in another network namespace: not taken away"))
        }
        Some(name) => {
            sysfs.prepare_bind(vf.addr, name, &host.proc)?;
            Ok(sysfs.bind(vf.addr, name)?)
        }
        None if vf.driver.is_some() && !dpdk => Ok(()),
        None => {
            // Without an override the kernel chooses among its own.
            let none = Binding { driver: None, driver_override: None };
            sysfs.restore_binding(vf.addr, &none, &host.proc)?;
            Ok(sysfs.probe_any(vf.addr, PROBE_DEADLINE)?)
        }
    }
}

/// Makes the bridges of slots, with their uplinks, where they are missing.
pub(crate) fn bridges(config: &Config, pools: &[Pool]) {
    for pool in pools {
        if let Kind::Slots(slots) = &pool.spec.kind
            && let Err(error) = bridge(&config.ovsdb, &slots.bridge)
        {
            log::warn!("{}: bridge {}: {error:#}", pool.spec.resource, slots.bridge.name);
        }
    }
}

fn bridge(ovsdb: &Address, wanted: &crate::config::BridgeSpec) -> Result<()> {
    if !wanted.create && wanted.uplinks.is_empty() {
        return Ok(());
    }
    let deadline = Instant::now() + SWITCH_DEADLINE;
    let mut switch = Vswitch::connect(ovsdb, deadline)?;
    if wanted.create {
        switch.ensure_bridge(&wanted.name, deadline)?;
    }
    for uplink in &wanted.uplinks {
        switch.ensure_uplink(&wanted.name, &uplink.to_string(), deadline)?;
    }
    Ok(())
}
