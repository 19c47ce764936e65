//! What CHECK compares: the interface as it is, with what it was given.

use cni::{AddResult, Route};
use hostnet::{Error, Link, Rtnl};

use crate::address::routes;

/// How the pod's interface differs from the result, and the routes that it was given. `pod` is a socket in the
/// interface's namespace.
///
/// # Errors
/// The kernel does not tell.
pub fn drift(
    result: &AddResult,
    given: &[Route],
    link: &Link,
    pod: &Rtnl,
) -> Result<Vec<String>, Error> {
    let name = &link.name;
    let mut drift = Vec::new();
    if !link.up {
        drift.push(format!("{name} is down"));
    }
    drift.extend(interface(result, name, link));
    let present = pod.addresses(link.index)?;
    let ours = result.ips.iter().filter(|ip| is_ours(result, ip.interface, name));
    let gone = ours.filter(|ip| !present.contains(&ip.address));
    drift.extend(gone.map(|ip| format!("{name} has lost the address {}", ip.address)));
    let present = pod.routes(link.index)?;
    let given =
        AddResult { ips: result.ips.clone(), routes: given.to_vec(), ..AddResult::default() };
    let wanted = routes(&given);
    let lost =
        wanted.iter().filter(|r| !present.iter().any(|(dst, gw)| *dst == r.dst && *gw == r.gw));
    drift.extend(lost.map(|route| format!("{name} has lost the route to {}", route.dst)));
    Ok(drift)
}

fn interface(result: &AddResult, name: &str, link: &Link) -> Vec<String> {
    let Some(recorded) = result.interfaces.iter().find(|i| i.name == name) else {
        return Vec::new();
    };
    let mut drift = Vec::new();
    let mac = link.mac.map(|m| m.to_string());
    if recorded.mac.is_some() && recorded.mac != mac {
        drift.push(format!("{name} has MAC {}", mac.unwrap_or_default()));
    }
    if recorded.mtu.is_some_and(|mtu| mtu != link.mtu) {
        drift.push(format!("{name} has MTU {}", link.mtu));
    }
    drift
}

fn is_ours(result: &AddResult, index: Option<usize>, name: &str) -> bool {
    index.and_then(|i| result.interfaces.get(i)).is_some_and(|i| i.name == name)
}
