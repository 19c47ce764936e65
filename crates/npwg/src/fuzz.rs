//! What holds for any bytes whatever: the targets of the fuzzer in `fuzz/`, run by `tests/corpus.rs`
//! over the committed corpus and mutations of it as well. Each panics when its invariant breaks.

use std::path::{Component, Path};

use cni::{AddResult, IfName, Version};
use serde_json::{Map, Value, json};

use crate::devinfo::{DeviceInfo, cni_file, dp_file};
use crate::{
    Error, NetworkAttachmentDefinition, NetworkStatus, Selection, network_status, selections,
};

/// The longest message about somebody else's text, when all of it has to be escaped.
const LONGEST: usize = 2000;

/// An annotation that is accepted is safe to use, and reads back as itself from what we understood.
///
/// # Panics
/// When that does not hold.
pub fn annotation(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match selections(text, "pods") {
        Ok(list) => {
            list.iter().for_each(one_component_each);
            let again: Value = list.iter().map(element).collect();
            let again = selections(&again.to_string(), "other").map_err(|error| error.to_string());
            assert_eq!(again, Ok(list));
        }
        Err(error) => explains(&error),
    }
}

/// A definition that is accepted has safe names, and its configuration is that of the object.
///
/// # Panics
/// When that does not hold.
pub fn definition(bytes: &[u8]) {
    let Ok(object) = serde_json::from_slice::<Value>(bytes) else { return };
    match NetworkAttachmentDefinition::from_json(&object) {
        Ok(network) => {
            assert_eq!(network.config, object["spec"]["config"].as_str().unwrap_or_default());
            for name in [&network.namespace, &network.name] {
                assert!(is_one_component(name), "{name:?}");
            }
            if let Some(resource) = &network.resource_name {
                stays(&dp_file(Path::new("/r"), resource, "0000:af:06.0"));
            }
        }
        Err(error) => explains(&error),
    }
}

/// A device's description that is accepted reads back equal.
///
/// # Panics
/// When that does not hold.
pub fn device_info(bytes: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return };
    let Ok(info) = DeviceInfo::from_json(&value) else { return };
    let again = serde_json::to_value(&info).map(|value| DeviceInfo::from_json(&value));
    assert!(matches!(again, Ok(Ok(again)) if again == info), "{info:?}");
}

/// Every result has an entry, at most one is the default, no address is there twice, and what is
/// published reads back equal.
///
/// # Panics
/// When that does not hold.
pub fn status(bytes: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return };
    let Ok(result) = AddResult::from_json(&value, Version::LATEST) else { return };
    let Ok(ifname) = IfName::try_from("net1") else { return };
    let list = network_status("prod/fast", &ifname, true, &result, None);
    let in_sandbox = result.interfaces.iter().filter(|i| i.sandbox.is_some()).count();
    assert!(!list.is_empty() && list.len() >= in_sandbox);
    assert_eq!(list.iter().filter(|entry| entry.default).count(), 1);
    let published: usize = list.iter().map(|entry| entry.ips.len()).sum();
    let nowhere = |index: usize| index >= result.interfaces.len();
    let unplaced = result.ips.iter().filter(|ip| ip.interface.is_none_or(nowhere)).count();
    assert!((unplaced..=result.ips.len()).contains(&published), "{value}");
    let again = serde_json::to_value(&list).map(serde_json::from_value::<Vec<NetworkStatus>>);
    assert!(matches!(again, Ok(Ok(again)) if again == list), "{list:?}");
}

/// What a pod's author wrote is one component of a path, wherever it is put.
fn one_component_each(selection: &Selection) {
    let Selection { namespace, name, interface, device_id, ipam_claim_reference, .. } = selection;
    let interface = interface.as_ref().map(ToString::to_string);
    let texts = [Some(namespace), Some(name), interface.as_ref(), device_id.as_ref()];
    for text in texts.into_iter().chain([ipam_claim_reference.as_ref()]).flatten() {
        assert!(is_one_component(text), "{text:?}");
    }
    if let (Ok(id), Ok(ifname)) = ("c0ffee".parse(), "net1".parse()) {
        stays(&cni_file(Path::new("/r"), &format!("{namespace}/{name}"), &id, &ifname));
    }
}

fn is_one_component(text: &str) -> bool {
    let mut components = Path::new(text).components();
    let first = matches!(components.next(), Some(Component::Normal(part)) if part == text);
    first && components.next().is_none() && text.len() <= 253 && !text.contains('\0')
}

/// `/r/<dir>/<file>`.
fn stays(path: &Path) {
    let normal = |part: &Component| matches!(part, Component::Normal(_));
    assert_eq!(path.components().filter(normal).count(), 3, "{}", path.display());
    assert_eq!(path.components().count(), 4, "{}", path.display());
}

/// The element that says what `selection` says.
fn element(selection: &Selection) -> Value {
    let mut object = Map::new();
    for (key, value) in selection.capability_args() {
        let key = if key == "infinibandGUID" { "infiniband-guid".to_owned() } else { key };
        object.insert(key, value);
    }
    object.insert("namespace".to_owned(), json!(selection.namespace));
    object.insert("name".to_owned(), json!(selection.name));
    object.insert("interface".to_owned(), json!(selection.interface));
    object.insert("cni-args".to_owned(), json!(selection.cni_args));
    object.insert("default-route".to_owned(), json!(selection.default_route));
    object.insert("ipam-claim-reference".to_owned(), json!(selection.ipam_claim_reference));
    Value::Object(object)
}

fn explains(error: &Error) {
    let message = error.to_string();
    assert!(!message.is_empty() && message.len() < LONGEST, "{message}");
    assert!(!message.contains(char::is_control), "{message:?}");
}
