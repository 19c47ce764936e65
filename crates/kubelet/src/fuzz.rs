//! What holds for any bytes whatever: run by `tests/corpus.rs` over the committed corpus and
//! mutations of it. Each panics when its invariant breaks.

use prost::Message;

use crate::messages::ListResponse;
use crate::podresources::devices_of;
use crate::{PodDevices, PodKey, Source, checkpoint, closest};

/// A pod that the corpus has.
const UID: &str = "5f6cf1a9-0d4c-4ef0-8d0b-6f1b5d1e9a01";

/// A checkpoint is refused or tells devices that can be handed out.
///
/// # Panics
/// When that does not hold.
pub fn checkpoint(bytes: &[u8]) {
    if let Ok(pod) = checkpoint::devices(bytes, UID) {
        each_once(pod);
    }
}

/// An answer is refused or tells devices that can be handed out.
///
/// # Panics
/// When that does not hold.
pub fn answer(bytes: &[u8]) {
    let Ok(answer) = ListResponse::decode(bytes) else { return };
    for other in answer.pod_resources.clone() {
        let pod = PodKey { namespace: other.namespace, name: other.name, uid: String::new() };
        if let Ok(pod) = devices_of(&pod, answer.pod_resources.clone(), Source::List) {
            each_once(pod);
        }
    }
}

fn each_once(mut pod: PodDevices) {
    let resources: Vec<(String, usize)> =
        pod.resources().map(|(resource, count)| (resource.to_owned(), count)).collect();
    assert_eq!(pod.is_empty(), resources.is_empty());
    for (resource, count) in resources {
        assert_eq!(closest(&resource, [resource.as_str()]), Some(resource.as_str()));
        assert_eq!(pod.remaining(&resource), count);
        let mut ids: Vec<String> = std::iter::from_fn(|| pod.take(&resource)).collect();
        assert_eq!((ids.len(), pod.remaining(&resource)), (count, 0));
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), count, "an id of {resource} was handed out twice");
    }
}
