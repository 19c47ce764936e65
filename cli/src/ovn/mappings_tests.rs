use super::*;

fn settings(pairs: &[(&str, &str)]) -> Map {
    Map(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
}

/// The settings after the change, and who uses the bridge from then on.
fn after(name: &str, wanted: Option<(&str, &str)>, before: &Map) -> (Map, Option<String>) {
    let Mapped { changes, heir } = changes(name, wanted, before).unwrap();
    let mut settings = before.clone();
    for change in changes {
        let Change::SetKey { key, from, to, .. } = change else { panic!("{change}") };
        assert_eq!(settings.0.get(&key), from.as_ref());
        match to {
            Some(to) => settings.0.insert(key, to),
            None => settings.0.remove(&key),
        };
    }
    (settings, heir)
}

const UPLINK: Option<(&str, &str)> = Some(("physnet1", "br-ext"));

#[test]
fn a_mapping_comes_and_goes() {
    let before = settings(&[("system-id", "a")]);
    let (exposed, _) = after("world", UPLINK, &before);
    assert_eq!(
        exposed,
        settings(&[
            ("system-id", "a"),
            ("ovn-bridge-mappings", "physnet1:br-ext"),
            ("fastpath-external-world", "physnet1:br-ext made"),
        ])
    );
    assert_eq!(after("world", UPLINK, &exposed), (exposed.clone(), None));
    assert_eq!(after("world", None, &exposed), (before, None));
}

#[test]
fn mappings_of_others_stay_as_they_are() {
    let before = settings(&[("ovn-bridge-mappings", "physnet2:br-other, physnet1:br-ext")]);
    let (exposed, _) = after("world", UPLINK, &before);
    assert_eq!(exposed.get("fastpath-external-world"), Some("physnet1:br-ext"));
    let (withdrawn, _) = after("world", None, &exposed);
    assert_eq!(withdrawn.get("ovn-bridge-mappings"), before.get("ovn-bridge-mappings"));
    let taken = changes("world", Some(("physnet2", "br-ext")), &before);
    assert!(taken.err().unwrap().to_string().contains("physnet2:br-other already"));
}

#[test]
fn another_bridge_takes_the_place_of_the_first() {
    let (exposed, _) = after("world", UPLINK, &settings(&[]));
    let (moved, heir) = after("world", Some(("physnet1", "br-new")), &exposed);
    assert_eq!(moved.get("ovn-bridge-mappings"), Some("physnet1:br-new"));
    assert_eq!((moved.get("fastpath-external-world"), heir), (Some("physnet1:br-new made"), None));
}

#[test]
fn the_last_network_that_uses_a_mapping_takes_it_along() {
    let (one, _) = after("one", UPLINK, &settings(&[]));
    let (both, _) = after("two", UPLINK, &one);
    assert_eq!(both.get("fastpath-external-two"), Some("physnet1:br-ext"));
    let (left, heir) = after("one", None, &both);
    assert_eq!(heir.as_deref(), Some("two"));
    assert_eq!(left.get("ovn-bridge-mappings"), Some("physnet1:br-ext"));
    assert_eq!(left.get("fastpath-external-two"), Some("physnet1:br-ext made"));
    assert_eq!(after("two", None, &left), (settings(&[]), None));
}
