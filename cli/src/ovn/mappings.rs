//! `ovn-bridge-mappings`, which belongs to everybody: `physnet1:br-ext,physnet2:br-other` (ovn-controller(8)).
//!
//! Beside it a key for each external network, `fastpath-external-NAME`, tells which mapping the network uses,
//! and whether it was made for one: `physnet1:br-ext made`. It goes with the last network that uses it.

use std::fmt;

use anyhow::{Result, bail};
use ovsdb::Map;
use ovsdb::declared::Change;

use super::OWNER;

const MAPPINGS: &str = "ovn-bridge-mappings";
const MADE: &str = " made";

/// What becomes of the settings of `ovn-controller`.
pub(super) struct Mapped {
    pub(super) changes: Vec<Change>,
    /// Another external network that uses the bridge from which this one goes.
    pub(super) heir: Option<String>,
}

/// What an external network uses.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Use {
    mapping: String,
    made: bool,
}

impl Use {
    fn parse(text: &str) -> Self {
        let made = text.strip_suffix(MADE);
        Self { mapping: made.unwrap_or(text).to_owned(), made: made.is_some() }
    }

    fn bridge(&self) -> &str {
        self.mapping.split_once(':').map_or("", |(_, bridge)| bridge)
    }
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.mapping, if self.made { MADE } else { "" })
    }
}

/// The settings, as they are about to be.
struct Settings<'a> {
    now: &'a Map,
    own_key: String,
    mappings: Vec<String>,
    /// Of other networks, whose mapping it becomes.
    passed_on: Option<(String, Use)>,
}

/// What the external network `name` uses: a physical network and its bridge, or nothing any more.
pub(super) fn changes(name: &str, wanted: Option<(&str, &str)>, now: &Map) -> Result<Mapped> {
    let wanted = wanted.map(|(network, bridge)| format!("{network}:{bridge}"));
    let mut settings = Settings::of(name, now);
    let before = now.get(&settings.own_key).map(Use::parse);
    let gone = before.as_ref().filter(|before| wanted.as_ref() != Some(&before.mapping));
    let heir = gone.and_then(|gone| settings.leave(gone));
    let after = match wanted {
        Some(mapping) => Some(settings.take(mapping, before.as_ref())?),
        None => None,
    };
    Ok(Mapped { changes: settings.changes(after.as_ref()), heir })
}

impl<'a> Settings<'a> {
    fn of(name: &str, now: &'a Map) -> Self {
        let (own_key, mappings) = (format!("{OWNER}-{name}"), mappings(now));
        Self { now, own_key, mappings, passed_on: None }
    }

    /// The mapping goes, or becomes that of another network. Who uses the bridge from now on.
    fn leave(&mut self, gone: &Use) -> Option<String> {
        let others = self.now.0.iter().filter_map(|(key, text)| {
            let name = key.strip_prefix(OWNER)?.strip_prefix('-')?;
            (*key != self.own_key).then(|| (name, key.clone(), Use::parse(text)))
        });
        let others: Vec<_> = others.collect();
        let same = others.iter().find(|(_, _, other)| other.mapping == gone.mapping);
        match same.cloned() {
            Some((_, key, other)) if gone.made => {
                self.passed_on = Some((key, Use { made: true, ..other }));
            }
            None if gone.made => self.mappings.retain(|one| *one != gone.mapping),
            _ => {}
        }
        let heir = others.into_iter().find(|(_, _, other)| other.bridge() == gone.bridge());
        heir.map(|(name, ..)| name.to_owned())
    }

    fn take(&mut self, mapping: String, before: Option<&Use>) -> Result<Use> {
        if self.mappings.contains(&mapping) {
            let made = before.is_some_and(|before| before.made && before.mapping == mapping);
            return Ok(Use { mapping, made });
        }
        let network = |mapping: &str| mapping.split(':').next().map(str::to_owned);
        if let Some(other) = self.mappings.iter().find(|one| network(one) == network(&mapping)) {
            bail!("the chassis maps {other} already: use that bridge, or another physicalNetwork");
        }
        self.mappings.push(mapping.clone());
        Ok(Use { mapping, made: true })
    }

    fn changes(self, after: Option<&Use>) -> Vec<Change> {
        // As others have written it, where nothing changes.
        let mappings = if self.mappings == mappings(self.now) {
            self.now.get(MAPPINGS).map(str::to_owned)
        } else {
            (!self.mappings.is_empty()).then(|| self.mappings.join(","))
        };
        let passed_on = self.passed_on.map(|(key, mapping)| (key, Some(mapping.to_string())));
        let all = [(MAPPINGS.to_owned(), mappings), (self.own_key, after.map(Use::to_string))];
        let all = all.into_iter().chain(passed_on).filter_map(|(key, to)| {
            let from = self.now.get(&key).map(str::to_owned);
            let (table, column) = ("Open_vSwitch", "external_ids");
            (from != to).then_some(Change::SetKey { table, column, key, from, to })
        });
        all.collect()
    }
}

fn mappings(settings: &Map) -> Vec<String> {
    let all = settings.get(MAPPINGS).into_iter().flat_map(|text| text.split(','));
    all.map(|one| one.trim().to_owned()).filter(|one| !one.is_empty()).collect()
}

#[cfg(test)]
#[path = "mappings_tests.rs"]
mod tests;
