//! A pod as the API server sends it, and what admission may change of it.
//!
//! It stays JSON: what a newer API server knows of a pod is kept, too. Null and absent are the same.

use apiserver::is_object_name;
use serde_json::{Map, Value, json};

use super::Refusal;

/// Stem of all resources, labels and annotations of ours.
const DOMAIN: &str = "fastpath.dev/";

/// A pod before and after.
#[derive(Debug)]
pub(crate) struct Pod {
    before: Value,
    after: Value,
    namespace: String,
}

impl Pod {
    /// Reads a pod. `namespace` is where it is to be created, which the pod itself need not say.
    pub(crate) fn new(object: Value, namespace: String) -> Result<Self, Refusal> {
        let pod = Self { after: object.clone(), before: object, namespace };
        // From here on it is safe in a path of the API server.
        if !is_object_name(&pod.namespace)
            || pod.namespace.contains('.')
            || pod.namespace.len() > 63
        {
            return Err(malformed("/metadata/namespace", "a namespace"));
        }
        for place in ["/metadata", "/spec"] {
            if !pod.at(place).is_object() {
                return Err(malformed(place, "an object"));
            }
        }
        for place in ["/metadata/annotations", "/spec/affinity"] {
            object_or_null(pod.at(place), place)?;
        }
        if let Some(annotations) = pod.at("/metadata/annotations").as_object()
            && !annotations.values().all(Value::is_string)
        {
            return Err(malformed("/metadata/annotations", "an object of texts"));
        }
        pod.check_containers()?;
        Ok(pod)
    }

    /// Containers are objects with a name, and what they request are objects.
    fn check_containers(&self) -> Result<(), Refusal> {
        for list in ["/spec/initContainers", "/spec/containers"] {
            let containers = match self.at(list) {
                Value::Null => &Vec::new(),
                Value::Array(containers) => containers,
                _ => return Err(malformed(list, "a list")),
            };
            for (index, container) in containers.iter().enumerate() {
                let place = format!("{list}/{index}");
                if !container["name"].is_string() {
                    return Err(malformed(&place, "a container with a name"));
                }
                object_or_null(&container["resources"], &format!("{place}/resources"))?;
                for kind in ["requests", "limits"] {
                    let place = format!("{place}/resources/{kind}");
                    object_or_null(&container["resources"][kind], &place)?;
                }
            }
        }
        Ok(())
    }

    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The value of an annotation.
    pub(crate) fn annotation(&self, key: &str) -> Option<&str> {
        self.at("/metadata/annotations").get(key)?.as_str()
    }

    /// Names of the containers, in their order.
    pub(crate) fn containers(&self) -> Vec<&str> {
        let containers = self.at("/spec/containers").as_array().into_iter().flatten();
        containers.filter_map(|container| container["name"].as_str()).collect()
    }

    /// All resources that some container, an init container included, requests.
    pub(crate) fn resources(&self) -> Vec<&str> {
        let lists = ["/spec/initContainers", "/spec/containers"];
        let containers = lists.iter().filter_map(|list| self.at(list).as_array()).flatten();
        let kinds =
            containers.flat_map(|one| ["requests", "limits"].map(|kind| &one["resources"][kind]));
        kinds.filter_map(Value::as_object).flat_map(Map::keys).map(String::as_str).collect()
    }

    /// The resources of ours among them.
    pub(crate) fn own_resources(&self) -> Vec<&str> {
        self.resources().into_iter().filter(|name| name.starts_with(DOMAIN)).collect()
    }

    /// Sets an annotation.
    pub(crate) fn annotate(&mut self, key: &str, value: &str) {
        set(&mut self.after["metadata"]["annotations"], key, value);
    }

    /// Requests so many devices for a container. An extended resource cannot be overcommitted: what is
    /// requested is the limit.
    pub(crate) fn request(&mut self, container: usize, resource: &str, count: u64) {
        let resources = &mut self.after["spec"]["containers"][container]["resources"];
        for kind in ["requests", "limits"] {
            set(&mut resources[kind], resource, &count.to_string());
        }
    }

    /// Its affinity, null where it has none.
    pub(crate) fn affinity(&mut self) -> &mut Value {
        &mut self.after["spec"]["affinity"]
    }

    /// The patch (RFC 6902) that makes of the pod that was sent what it is now; empty when nothing is to
    /// be changed. Few values are set, each as a whole: `add` replaces what is there, so that it does
    /// not matter whether it was absent or null.
    pub(crate) fn patch(&self) -> Vec<Value> {
        let resources =
            (0..self.containers().len()).map(|at| format!("/spec/containers/{at}/resources"));
        let places = ["/metadata/annotations", "/spec/affinity"].map(str::to_owned);
        let changed = places
            .into_iter()
            .chain(resources)
            .filter(|place| self.before.pointer(place).unwrap_or(&Value::Null) != self.at(place));
        changed.map(|path| json!({"op": "add", "path": path, "value": self.at(&path)})).collect()
    }

    fn at(&self, place: &str) -> &Value {
        self.after.pointer(place).unwrap_or(&Value::Null)
    }
}

/// Sets a key of an object that may be absent or null so far.
fn set(object: &mut Value, key: &str, value: &str) {
    // Indexing makes an object of null, and of nothing else: `Pod::new` has seen that it is one of the two.
    object[key] = json!(value);
}

fn object_or_null(value: &Value, place: &str) -> Result<(), Refusal> {
    if value.is_object() || value.is_null() { Ok(()) } else { Err(malformed(place, "an object")) }
}

pub(crate) fn malformed(place: &str, want: &'static str) -> Refusal {
    Refusal::Malformed { place: place.to_owned(), want }
}
