//! What holds for any bytes whatever: the targets of the fuzzer, run by `tests/corpus.rs` over the
//! committed corpus and mutations of it. Each panics when its invariant breaks.

use cni::NetConf;
use cni::runtime::NetworkList;
use serde_json::Value;

use crate::conf::Conf;
use crate::multus_cache;

/// A configuration that is accepted has a default network, and delegates complete enough to be called.
///
/// # Panics
/// When that does not hold.
pub fn configuration(bytes: &[u8]) {
    let Ok(conf) = NetConf::parse(bytes) else { return };
    let Ok(parsed) = Conf::of(&conf) else { return };
    assert!(parsed.cluster_network.is_some() == parsed.delegates.is_empty());
    for delegate in &parsed.delegates {
        let text = Value::from(delegate.network.clone()).to_string();
        if let Err(error) = NetworkList::load(text.as_bytes()) {
            // What is missing is the delegate's own: a type, a plugin, a version that we know.
            assert!(!error.msg.is_empty(), "{error:?}");
            continue;
        }
        assert!(!delegate.network.keys().any(|key| key.eq_ignore_ascii_case("masterplugin")));
    }
    assert!(parsed.global_namespaces.iter().all(|name| !name.is_empty() && !name.contains(',')));
}

/// Multus' cache is read, or refused with a reason; a reader never gets an interface that is none.
///
/// # Panics
/// When that does not hold.
pub fn cache(bytes: &[u8]) {
    match multus_cache::attachments(bytes, "eth0") {
        Ok(attachments) => {
            assert!(attachments.first().is_none_or(|first| first.ifname.as_str() == "eth0"));
        }
        Err(reason) => assert!(!reason.is_empty()),
    }
}
