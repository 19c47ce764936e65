//! CHECK: what is, compared with what was recorded.

use attachment::{Error, netns_of, no_drift, owner_of};
use cni::{AddResult, Request, delegate, logging};
use hostnet::{Netns, Rtnl};

use crate::Sriov;
use crate::error::SriovError;
use crate::record::{Detail, Mode, SriovRecord};

pub(crate) fn check(plugin: &Sriov, request: &Request) -> Result<(), cni::Error> {
    logging::init_of(&request.conf, &owner_of(request).to_string());
    compare(plugin, request)?;
    delegate::ipam_check(request)
}

fn compare(plugin: &Sriov, request: &Request) -> Result<(), SriovError> {
    let journal = plugin.journal()?;
    let entry = journal
        .find(&owner_of(request))?
        .ok_or_else(|| Error::Drift("there is no record of it".to_owned()))?;
    let record: SriovRecord = journal.load(&entry)?;
    let detail = &record.detail;
    if !record.complete || entry.claim.is_none() || record.boot_id != journal.boot_id() {
        let text = "its ADD did not finish, or the host rebooted since";
        return Err(Error::Drift(text.to_owned()).into());
    }
    let netns = Netns::open(netns_of(request)?)?;
    let host = Rtnl::here()?;
    let mut drift = pf_side(detail, &host)?;
    match &detail.mode {
        Mode::Kernel => {
            let pod = host.inside(&netns)?;
            drift.extend(pod_side(detail, &expected(request, detail), &pod)?);
        }
        Mode::Dpdk { driver } => {
            let bound = plugin.sysfs.driver(detail.vf);
            if bound.as_ref() != Some(driver) {
                let bound = bound.unwrap_or_else(|| "nothing".to_owned());
                drift.push(format!("VF {} is bound to {bound}, not {driver}", detail.vf));
            }
        }
    }
    Ok(no_drift(&drift)?)
}

fn pf_side(detail: &Detail, host: &Rtnl) -> Result<Vec<String>, SriovError> {
    if detail.settings.is_empty() {
        return Ok(Vec::new());
    }
    let state = detail.vf().pf_state(host)?;
    let missing = detail.settings.missing_in(&state);
    Ok((!missing.is_empty())
        .then(|| format!("the PF does not have {missing} for VF {}", detail.vf))
        .into_iter()
        .collect())
}

/// What the pod should have: the runtime's final result, since a later plugin of the chain may have
/// changed MAC and MTU for good; without it, ours.
fn expected(request: &Request, detail: &Detail) -> AddResult {
    request.conf.prev_result.clone().or_else(|| detail.result.clone()).unwrap_or_default()
}

fn pod_side(detail: &Detail, result: &AddResult, pod: &Rtnl) -> Result<Vec<String>, SriovError> {
    let name = &detail.ifname;
    let Some(link) = pod.link_by_name(name)? else {
        return Ok(vec![format!("{name} is not in the pod")]);
    };
    let mut drift = Vec::new();
    if link.parent.as_ref().is_some_and(|p| *p != detail.vf.to_string()) {
        drift.push(format!("{name} is another device, not VF {}", detail.vf));
    }
    drift.extend(podlink::drift(result, &detail.routes, &link, pod)?);
    Ok(drift)
}
