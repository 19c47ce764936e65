//! What the operator decides for the whole cluster: the bands, and which resources serve which path.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::Spanned;

use crate::budget::found;
use crate::{Bands, Budget, Datapath, Error};

/// Resources of pools that every cluster has.
const POOLS: [(&str, Datapath); 2] =
    [("fastpath.dev/vf", Datapath::Vf), ("fastpath.dev/vhostuser", Datapath::OvsDpdk)];

/// The table of a cluster.
///
/// ```yaml
/// bands:                              # from the fastest path to the slowest
/// - {path: vf, from: 800us}           # the first band has its edge
/// - {path: ovs-dpdk, from: 5ms}       # a further one begins behind it
/// - {path: kernel, from: 10ms}
/// pools:                              # further pools, besides vf and vhostuser
///   fastpath.dev/vf-100g: vf
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// Which budget is of which path.
    pub bands: Bands,
    /// The path of further resources.
    pools: BTreeMap<String, Datapath>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    bands: Option<Vec<Spanned<Written>>>,
    #[serde(default)]
    pools: BTreeMap<String, Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    path: String,
    from: String,
}

impl Table {
    /// Reads it. Without bands they are the default ones.
    ///
    /// # Errors
    /// [`Error::Yaml`], or [`Error::Table`] with the line of what cannot be.
    pub fn from_yaml(text: &str) -> Result<Self, Error> {
        let file: File = serde_saphyr::from_str(text).map_err(|error| Error::Yaml {
            // It shows the lines around it as well.
            why: error.to_string().lines().next().unwrap_or_default().to_owned(),
        })?;
        let bands = file.bands.as_deref().map(bands).transpose()?.unwrap_or_default();
        let pools = file.pools.into_iter().map(pool).collect::<Result<_, _>>()?;
        Ok(Self { bands, pools })
    }

    /// The resource that a pod on a path requests, if that path has any: that of its first pool.
    #[must_use]
    pub fn resource(path: Datapath) -> Option<&'static str> {
        POOLS.iter().find(|(_, of)| *of == path).map(|(resource, _)| *resource)
    }

    /// The path that a resource belongs to, as far as that is known.
    #[must_use]
    pub fn path(&self, resource: &str) -> Option<Datapath> {
        let known = POOLS.iter().find(|(name, _)| *name == resource);
        known.map(|(_, path)| *path).or_else(|| self.pools.get(resource).copied())
    }

    /// All resources that are on a path.
    pub fn resources(&self, path: Datapath) -> impl Iterator<Item = &str> {
        let further = self.pools.iter().map(|(name, of)| (name.as_str(), *of));
        POOLS.into_iter().chain(further).filter(move |(_, of)| *of == path).map(|(name, _)| name)
    }
}

fn bands(written: &[Spanned<Written>]) -> Result<Bands, Error> {
    let mut edges: Vec<(Datapath, u64)> = Vec::new();
    for band in written {
        let line = band.referenced.line();
        let path = datapath(&band.value.path, line)?;
        let from = Budget::with_unit(&band.value.from).ok();
        let us = from.map(Budget::us).ok_or_else(|| {
            let want = "a whole number with its unit, us or ms, such as 800us or 5ms";
            invalid(line, "from", &band.value.from, want)
        })?;
        if edges.iter().any(|(other, _)| *other == path) {
            return Err(invalid(line, "path", path.as_str(), "another one: it has a band already"));
        }
        if edges.last().is_some_and(|(_, before)| us <= *before) {
            return Err(invalid(line, "from", &band.value.from, "above that of the band before"));
        }
        edges.push((path, us));
    }
    let line = written.first().map_or(1, |first| first.referenced.line());
    Bands::of(edges).ok_or_else(|| invalid(line, "bands", "empty", "at least one band"))
}

fn pool((resource, path): (String, Spanned<String>)) -> Result<(String, Datapath), Error> {
    let line = path.referenced.line();
    if let Some((name, _)) = POOLS.iter().find(|(name, _)| *name == resource) {
        return Err(invalid(line, "pools", name, "another resource: the path of this is fixed"));
    }
    let parts: Vec<&str> = resource.split('/').collect();
    if !matches!(&parts[..], [domain, name] if !domain.is_empty() && !name.is_empty()) {
        return Err(invalid(line, "pools", &resource, "a resource, such as fastpath.dev/vf-100g"));
    }
    Ok((resource, datapath(&path.value, line)?))
}

fn datapath(name: &str, line: u64) -> Result<Datapath, Error> {
    Datapath::try_from(name.to_owned())
        .map_err(|_unknown| invalid(line, "path", name, "vf, ovs-dpdk, ovn or kernel"))
}

fn invalid(line: u64, key: &'static str, text: &str, want: &'static str) -> Error {
    Error::Table { line, key, found: found(text), want }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
