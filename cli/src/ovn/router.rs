//! The cluster's router, which is not ours: what it has must not be in the way.

use anyhow::{Context, Result, bail};
use ipnetwork::IpNetwork;
use ovsdb::declared::Declared;
use ovsdb::northbound::declared::LOGICAL_ROUTER;
use ovsdb::northbound::{LogicalRouterPort, Router};
use ovsdb::{Map, Northbound};

use super::OWNER;
use super::file::External;
use super::site::deadline;

/// The rows of the northbound database, as far as the router admits them.
pub(super) fn admit(nb: &mut Northbound, external: &External) -> Result<Vec<Declared>> {
    let name = &external.router;
    let router = nb.router(name, deadline())?;
    let mut rows = external.logical();
    let Some(router) = router else {
        if external.create_router {
            return Ok(rows);
        }
        bail!("there is no logical router {name}: write another router, or createRouter: true");
    };
    if !ours(external, &router.external_ids) {
        // It was there before.
        rows.retain(|row| row.table.name != LOGICAL_ROUTER.name || row.columns["name"] != **name);
    }
    routes_are_free(external, &router)?;
    networks_are_free(external, &router)?;
    Ok(rows)
}

fn ours(external: &External, ids: &Map) -> bool {
    ids.get(OWNER) == Some(&external.name)
}

/// Two routes to one destination would share its traffic (ECMP).
fn routes_are_free(external: &External, router: &Router) -> Result<()> {
    let destinations = external.destinations();
    let others = router.routes.iter().filter(|route| !ours(external, &route.external_ids));
    for route in others {
        let same = |to: &&IpNetwork| route.ip_prefix == to.to_string();
        if let Some(to) = destinations.iter().find(same) {
            bail!(
                "router {} has a route to {to} already, by {}: write other routes",
                external.router,
                route.nexthop
            );
        }
    }
    Ok(())
}

/// A router with two ports in one network would answer for the wrong one.
fn networks_are_free(external: &External, router: &Router) -> Result<()> {
    let joined = external.networks.iter().filter(|inside| inside.switch.is_some());
    let joined = joined.map(|inside| ("leave switch and gateway out of", inside.subnet));
    let join = external.join_addresses(1).into_iter().map(|join| ("write another join than", join));
    let wanted: Vec<_> = joined.chain(join).collect();
    for port in router.ports.iter().filter(|port| !ours(external, &port.external_ids)) {
        for network in networks(port)? {
            let (one, other) = (network, &wanted);
            if let Some((what, network)) = other.iter().find(|(_, wanted)| overlap(&one, wanted)) {
                bail!(
                    "router {} has {one} already, at its port {}: {what} {network}",
                    external.router,
                    port.name
                );
            }
        }
    }
    Ok(())
}

fn networks(port: &LogicalRouterPort) -> Result<Vec<IpNetwork>> {
    let parse = |text: &String| {
        text.parse().with_context(|| format!("network {text:?} of router port {}", port.name))
    };
    port.networks.0.iter().map(parse).collect()
}

fn overlap(one: &IpNetwork, other: &IpNetwork) -> bool {
    one.is_ipv4() == other.is_ipv4()
        && (one.contains(other.network()) || other.contains(one.network()))
}
