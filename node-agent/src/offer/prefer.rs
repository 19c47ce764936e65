//! Which of the free devices a container had best get: of one NUMA node, then of as few PFs as possible, or
//! of as many.

use std::collections::BTreeMap;

use deviceplugin::messages::Choice;

use crate::config::Prefer;
use crate::pools::Member;

/// Chooses from what kubelet offers. Ids that are unknown come last.
pub(super) fn prefer(
    members: &BTreeMap<String, Member>,
    prefer: Prefer,
    choice: Choice,
) -> Vec<String> {
    let Choice { available, must_include, size } = choice;
    let mut chosen = must_include;
    let wanted = usize::try_from(size).unwrap_or(0).saturating_sub(chosen.len());
    let mut free: Vec<&str> =
        available.iter().map(String::as_str).filter(|id| !chosen.iter().any(|c| c == id)).collect();
    free.sort_unstable();
    let mut picked = Vec::new();
    for node in numa_nodes(members, &chosen, &free, wanted) {
        let of_node: Vec<&str> =
            free.iter().copied().filter(|id| numa(members, id) == node).collect();
        picked.extend(of_pfs(members, prefer, &of_node, wanted - picked.len()));
    }
    chosen.extend(picked.into_iter().map(str::to_owned));
    chosen
}

fn numa(members: &BTreeMap<String, Member>, id: &str) -> Option<u32> {
    members.get(id).and_then(|member| member.numa)
}

/// NUMA nodes in the order in which they are taken from: that of the devices which are set, then the
/// smallest one that has enough, so that the largest stays whole; else the largest.
fn numa_nodes(
    members: &BTreeMap<String, Member>,
    chosen: &[String],
    free: &[&str],
    wanted: usize,
) -> Vec<Option<u32>> {
    let counts = count_by(free, |id| numa(members, id));
    let set: Vec<Option<u32>> = chosen.iter().map(|id| numa(members, id)).collect();
    by_fit(counts, wanted, |node| set.contains(node))
}

/// Devices of a NUMA node.
fn of_pfs<'a>(
    members: &BTreeMap<String, Member>,
    prefer: Prefer,
    of_node: &[&'a str],
    wanted: usize,
) -> Vec<&'a str> {
    let pf = |id: &str| members.get(id).and_then(|member| member.pf);
    let pfs = by_fit(count_by(of_node, pf), wanted, |_| false);
    let of = |wanted_pf| of_node.iter().copied().filter(move |id| pf(id) == wanted_pf);
    match prefer {
        Prefer::Packed => pfs.into_iter().flat_map(of).take(wanted).collect(),
        Prefer::Spread => {
            let mut queues: Vec<Vec<&str>> = pfs.into_iter().map(|pf| of(pf).collect()).collect();
            // Of the PF with most free ones first.
            queues.sort_by_key(|queue| std::cmp::Reverse(queue.len()));
            let rounds = queues.iter().map(Vec::len).max().unwrap_or(0);
            let taken = |round| queues.iter().filter_map(move |queue| queue.get(round).copied());
            (0..rounds).flat_map(taken).take(wanted).collect()
        }
    }
}

fn count_by<K: Ord>(ids: &[&str], key: impl Fn(&str) -> K) -> BTreeMap<K, usize> {
    let mut counts = BTreeMap::new();
    for id in ids {
        *counts.entry(key(id)).or_default() += 1;
    }
    counts
}

/// First those that are `set`; then the smallest that has enough, then the others by size, largest first.
fn by_fit<K: Ord>(counts: BTreeMap<K, usize>, wanted: usize, set: impl Fn(&K) -> bool) -> Vec<K> {
    let mut groups: Vec<(K, usize)> = counts.into_iter().collect();
    groups.sort_by_key(|(key, count)| {
        let spare = if *count >= wanted { *count } else { usize::MAX - count };
        (!set(key), spare)
    });
    groups.into_iter().map(|(key, _)| key).collect()
}

#[cfg(test)]
#[path = "prefer_tests.rs"]
mod tests;
