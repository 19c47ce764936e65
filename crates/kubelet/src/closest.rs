//! Did you mean ...?

/// Of the `known` names the one that `wanted` is most likely a slip of: few letters added, left out,
/// changed or swapped, of every three of it one at the most.
pub fn closest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = wanted.chars().count();
    let slips = (length / 3).max(1);
    // The distance costs the product of the lengths, and a name may be as long as its author likes.
    let comparable = |name: &&str| name.chars().count().abs_diff(length) <= slips;
    known
        .into_iter()
        .filter(comparable)
        .map(|name| (strsim::osa_distance(wanted, name), name))
        .filter(|(distance, _)| *distance <= slips)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 3] = ["fastpath.dev/vhostuser", "fastpath.dev/vfs", "dpdk"];

    #[test]
    fn a_slip_finds_what_was_meant() {
        assert_eq!(closest("fastpath.dev/vf", KNOWN), Some("fastpath.dev/vfs"));
        assert_eq!(closest("fastpath.dev/vhost-user", KNOWN), Some("fastpath.dev/vhostuser"));
        assert_eq!(closest("dkdp", KNOWN), None);
        assert_eq!(closest("dpkd", KNOWN), Some("dpdk"));
    }

    #[test]
    fn another_name_finds_nothing() {
        assert_eq!(closest("intel.com/sriov", KNOWN), None);
        assert_eq!(closest("", KNOWN), None);
        assert_eq!(closest("dpdk", []), None);
    }

    #[test]
    fn the_first_of_equals_is_chosen() {
        assert_eq!(closest("net2", ["net1", "net3"]), Some("net1"));
    }
}
