//! The file in which kubelet's device manager keeps what it allocated.
//!
//! Go's JSON of `checkpointData` in `k8s.io/kubernetes/pkg/kubelet/cm/devicemanager/checkpoint`. Its
//! checksum is over Go's printed structure, so it cannot be verified here; kubelet replaces the file
//! by rename.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::{Assignment, Error, MAX_BYTES, PodDevices, PodKey, Source};

/// The devices of `pod`; none where it is not listed.
pub(crate) fn read(path: &Path, pod: &PodKey) -> Result<PodDevices, Error> {
    if pod.uid.is_empty() {
        return Err(Error::NoUid { pod: pod.clone() });
    }
    let bytes = read_bounded(path)
        .map_err(|source| Error::ReadCheckpoint { path: path.to_owned(), source })?;
    devices(&bytes, &pod.uid)
        .map_err(|source| Error::DecodeCheckpoint { path: path.to_owned(), source })
}

fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 16 MiB"));
    }
    Ok(bytes)
}

/// The devices of the pod `uid` in the checkpoint `bytes`.
pub(crate) fn devices(bytes: &[u8], uid: &str) -> Result<PodDevices, serde_json::Error> {
    let checkpoint: Checkpoint = serde_json::from_slice(bytes)?;
    let entries = checkpoint.data.entries.unwrap_or_default();
    let of_pod = entries.into_iter().filter(|entry| entry.pod_uid == uid);
    Ok(PodDevices::new(Source::Checkpoint, of_pod.map(Entry::into_assignment)))
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Checkpoint {
    data: Data,
}

#[derive(serde::Deserialize)]
struct Data {
    /// `null` before the first device is allocated.
    #[serde(rename = "PodDeviceEntries")]
    entries: Option<Vec<Entry>>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    #[serde(rename = "PodUID")]
    pod_uid: String,
    container_name: String,
    resource_name: String,
    #[serde(rename = "DeviceIDs")]
    device_ids: DeviceIds,
}

impl Entry {
    fn into_assignment(self) -> Assignment {
        Assignment {
            container: self.container_name,
            resource: self.resource_name,
            ids: self.device_ids.0,
        }
    }
}

/// A list (kubelet before 1.20) or NUMA node -> list, whose lists are joined in the file's order.
struct DeviceIds(Vec<String>);

impl<'de> Deserialize<'de> for DeviceIds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DeviceIdsVisitor).map(Self)
    }
}

struct DeviceIdsVisitor;

impl<'de> Visitor<'de> for DeviceIdsVisitor {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of device ids or a map of such lists")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut ids = Vec::new();
        while let Some(id) = list.next_element()? {
            ids.push(id);
        }
        Ok(ids)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut ids = Vec::new();
        while let Some((_node, of_node)) = map.next_entry::<String, Option<Vec<String>>>()? {
            ids.extend(of_node.unwrap_or_default());
        }
        Ok(ids)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &[u8] = include_bytes!("../corpus/checkpoint/list.json");
    const NUMA: &[u8] = include_bytes!("../corpus/checkpoint/numa.json");
    /// As a real kubelet wrote it.
    const REAL: &[u8] = include_bytes!("../corpus/checkpoint/kubelet-1.20.2.json");
    const UID: &str = "5f6cf1a9-0d4c-4ef0-8d0b-6f1b5d1e9a01";

    fn taken(mut pod: PodDevices, resource: &str) -> Vec<String> {
        std::iter::from_fn(|| pod.take(resource)).collect()
    }

    #[test]
    fn both_shapes_are_read() {
        let old = devices(LIST, UID).unwrap();
        assert_eq!(old.source(), Source::Checkpoint);
        assert_eq!(taken(old, "fastpath.dev/vf"), ["0000:01:10.4", "0000:01:10.0"]);
        let new = devices(NUMA, UID).unwrap();
        assert_eq!(new.containers().keys().collect::<Vec<_>>(), ["side", "app"]);
        assert_eq!(taken(new, "fastpath.dev/vf"), ["0000:02:10.0", "0000:01:10.4", "0000:01:10.0"]);
        let real = devices(REAL, UID).unwrap();
        assert_eq!(real.containers().keys().collect::<Vec<_>>(), ["b", "a"]);
        assert_eq!(
            taken(real, "fastpath.dev/vf"),
            ["0000:01:10.4", "0000:01:10.2", "0000:01:10.0"]
        );
    }

    #[test]
    fn other_pods_are_not_looked_at() {
        assert!(devices(NUMA, "5f6cf1a9").unwrap().is_empty());
        assert!(devices(br#"{"Data":{"PodDeviceEntries":null}}"#, "u").unwrap().is_empty());
    }

    #[test]
    fn an_entry_may_have_no_devices() {
        for ids in ["null", "[]", "{}", r#"{"0":null}"#] {
            let entry = format!(
                r#"{{"PodUID":"u","ContainerName":"c","ResourceName":"r","DeviceIDs":{ids}}}"#
            );
            let text = format!(r#"{{"Data":{{"PodDeviceEntries":[{entry}]}},"Checksum":1}}"#);
            assert!(devices(text.as_bytes(), "u").unwrap().is_empty(), "{ids}");
        }
    }

    #[test]
    fn another_shape_is_an_error() {
        for text in ["", "{}", "[]", r#"{"Data":{"PodDeviceEntries":[{}]}}"#] {
            assert!(devices(text.as_bytes(), "u").is_err(), "{text}");
        }
    }

    #[test]
    fn an_enormous_file_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("checkpoint");
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(read_bounded(&path).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
