//! Whether what was decided for a pod stays so.

use policy::{Demand, LATENCY, LATENCY_WITH_UNIT, PATH};

use super::choice::slower;
use super::pod::Pod;
use super::{Refusal, Settings, mutate};

/// A pod that is created with a budget has the path that it was given: no webhook that came later has taken it
/// away or put another one there.
pub(crate) fn created(pod: &Pod, settings: &Settings) -> Result<(), Refusal> {
    if mutate::budget(pod)?.is_none() {
        return Ok(());
    }
    let Some(demand) = Demand::from_annotations(|key| pod.annotation(key))? else { return Ok(()) };
    let path = settings.table.bands.path(demand.budget)?;
    if slower(demand.path, path, &settings.table.bands) {
        return Err(Refusal::Stamped { found: demand.path.to_string(), path });
    }
    Ok(())
}

/// Neither the budget nor the path of a pod changes.
pub(crate) fn updated(before: &Pod, after: &Pod) -> Result<(), Refusal> {
    for key in [LATENCY, LATENCY_WITH_UNIT, PATH] {
        if before.annotation(key) != after.annotation(key) {
            return Err(Refusal::Decided(key));
        }
    }
    Ok(())
}
