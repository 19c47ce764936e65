//! Reviews of admission.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use policy::Datapath;
use serde_json::Value;

use crate::admission::{Network, Networks, Refusal, Settings, mutate, validate};

/// The longest message about somebody else's text.
const LONGEST: usize = 2000;

/// All networks exist, and are on the path that their name ends with.
struct Any;

impl Networks for Any {
    fn named(&self, namespace: &str, name: &str) -> Result<Network, Refusal> {
        let paths = [Datapath::Vf, Datapath::OvsDpdk, Datapath::Ovn, Datapath::Kernel];
        let path = paths.into_iter().find(|path| name.ends_with(path.as_str()));
        let resource = path.map(|path| format!("example.com/{path}"));
        Ok(Network { namespace: namespace.into(), name: name.into(), resource, labelled: path })
    }

    fn labelled(&self, namespace: &str, path: Datapath) -> Result<Vec<Network>, Refusal> {
        Ok(vec![self.named(namespace, path.as_str())?])
    }
}

/// A review is answered, with its uid, and a pod that is created needs no more changes and is valid.
///
/// # Panics
/// When that does not hold.
pub fn review(bytes: &[u8]) {
    let settings = Settings::default();
    let Ok(answer) = mutate(bytes, &settings, &Any) else {
        assert!(validate(bytes, &settings).is_err());
        return;
    };
    let mut review: Value = serde_json::from_slice(bytes).unwrap_or_default();
    assert_eq!(answer["response"]["uid"], review["request"]["uid"]);
    let response = &answer["response"];
    if response["allowed"] != true {
        let message = response["status"]["message"].as_str().unwrap_or_default();
        assert!(!message.is_empty() && message.len() < LONGEST, "{message}");
        assert!(!message.contains(char::is_control), "{message:?}");
        return;
    }
    let Some(patch) = response["patch"].as_str() else { return };
    apply(&mut review["request"]["object"], patch);
    let review = review.to_string();
    let again =
        mutate(review.as_bytes(), &settings, &Any).map(|mut again| again["response"].take());
    assert!(
        again.is_ok_and(|again| again["allowed"] == true && again.get("patch").is_none()),
        "{review}"
    );
    let valid = validate(review.as_bytes(), &settings).map(|mut valid| valid["response"].take());
    assert!(valid.is_ok_and(|valid| valid["allowed"] == true), "{review}");
}

/// Applies a patch that sets nothing but what admission may set.
fn apply(pod: &mut Value, patch: &str) {
    let patch: Value =
        serde_json::from_slice(&STANDARD.decode(patch).unwrap_or_default()).unwrap_or_default();
    let operations = patch.as_array().into_iter().flatten();
    for operation in operations {
        assert_eq!(operation["op"], "add", "{patch}");
        let place = operation["path"].as_str().unwrap_or_default();
        let (parent, key) = place.rsplit_once('/').unwrap_or_default();
        assert!(["annotations", "affinity", "resources"].contains(&key), "{patch}");
        // Indexing with a key makes one where there is none, and fails where that cannot be.
        if let Some(parent) = pod.pointer_mut(parent) {
            parent[key] = operation["value"].clone();
        }
    }
}
