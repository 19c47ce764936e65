//! The few fields of a pod that matter here; everything else is skipped while it is read.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::Pod;

#[derive(Deserialize)]
pub(super) struct PodObject {
    metadata: Metadata,
    spec: Spec,
}

#[derive(Deserialize)]
struct Metadata {
    uid: String,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    #[serde(default)]
    containers: Vec<Container>,
    #[serde(default)]
    init_containers: Option<Vec<Container>>,
}

#[derive(Deserialize)]
struct Container {
    name: String,
    #[serde(default)]
    resources: Resources,
}

#[derive(Deserialize, Default)]
struct Resources {
    #[serde(default)]
    limits: Option<Map<String, Value>>,
    #[serde(default)]
    requests: Option<Map<String, Value>>,
}

impl PodObject {
    /// The pod under the names it was asked by.
    pub(super) fn into_pod(self, namespace: &str, name: &str) -> Pod {
        let containers = self.spec.containers.into_iter();
        let init_containers = self.spec.init_containers.unwrap_or_default();
        Pod {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            uid: self.metadata.uid,
            annotations: self.metadata.annotations.unwrap_or_default(),
            containers: containers.chain(init_containers).map(Container::resources).collect(),
        }
    }
}

impl Container {
    /// Its name and the extended resources it gets: of those a limit is a request, too.
    fn resources(self) -> (String, Vec<String>) {
        let maps = [self.resources.limits, self.resources.requests];
        let names: BTreeSet<String> = maps
            .into_iter()
            .flatten()
            .flat_map(|map| map.into_iter().map(|(name, _quantity)| name))
            .filter(|name| name.contains('/'))
            .collect();
        (self.name, names.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extended_resources_of_all_containers_are_seen() {
        let object: PodObject = serde_json::from_str(
            r#"{"metadata": {"uid": "u", "managedFields": [{}]}, "status": {}, "spec": {
                "initContainers": [{"name": "init", "resources": {"requests": {"a.b/c": 1}}}],
                "containers": [{"name": "app", "resources": {
                    "limits": {"cpu": "1", "x.y/z": "2"}, "requests": {"x.y/z": "2", "d.e/f": "1"}}},
                    {"name": "side", "resources": {"limits": null}}, {"name": "last"}]}}"#,
        )
        .unwrap();
        let pod = object.into_pod("ns", "web");
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            pod.containers,
            [
                ("app".to_owned(), names(&["d.e/f", "x.y/z"])),
                ("side".to_owned(), vec![]),
                ("last".to_owned(), vec![]),
                ("init".to_owned(), names(&["a.b/c"])),
            ]
        );
        assert_eq!((pod.uid.as_str(), pod.annotations.len()), ("u", 0));
    }
}
