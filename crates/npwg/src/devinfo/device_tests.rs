use serde_json::{Value, json};

use super::*;

/// One of each type, with every key.
fn all() -> [Value; 4] {
    [
        json!({"type": "pci", "version": "1.1.0", "pci": {
            "pci-address": "0000:18:02.5", "vhost-net": "/dev/vhost-net", "rdma-device": "mlx5_3",
            "pf-pci-address": "0000:18:00.0", "representor-device": "eth3"}}),
        json!({"type": "vdpa", "version": "1.1.0", "vdpa": {
            "parent-device": "vdpa2", "driver": "vhost", "path": "/dev/vhost-vdpa0",
            "pci-address": "0000:02:01.6", "pf-pci-address": "0000:02:01.0",
            "representor-device": "eth4"}}),
        json!({"type": "vhost-user", "version": "1.1.0", "vhost-user": {
            "mode": "client", "path": "/run/net3/vhost.sock"}}),
        json!({"type": "memif", "version": "1.1.0", "memif": {
            "role": "slave", "path": "/run/memif.sock", "mode": "inject-punt"}}),
    ]
}

#[test]
fn every_type_reads_back_as_it_was_written() {
    for value in all() {
        let info = DeviceInfo::from_json(&value).unwrap();
        assert_eq!(serde_json::to_value(&info).unwrap(), value);
    }
}

#[test]
fn a_new_description_has_the_version_of_the_specification() {
    let socket = VhostUser { mode: SocketMode::Server, path: "/run/v.sock".to_owned() };
    let info = DeviceInfo::new(Device::VhostUser(socket));
    let expected = json!({"type": "vhost-user", "version": "1.1.0",
        "vhost-user": {"mode": "server", "path": "/run/v.sock"}});
    assert_eq!(serde_json::to_value(info).unwrap(), expected);
}

#[test]
fn every_required_key_is_required_and_named() {
    let required = [
        vec!["pci-address"],
        vec!["parent-device", "driver", "path"],
        vec!["mode", "path"],
        vec!["role", "path", "mode"],
    ];
    for (value, keys) in all().into_iter().zip(required) {
        let kind = value["type"].as_str().unwrap();
        let members = value[kind].as_object().unwrap();
        for key in members.keys() {
            let mut without = value.clone();
            without[kind].as_object_mut().unwrap().remove(key);
            let read = DeviceInfo::from_json(&without);
            assert_eq!(read.is_err(), keys.contains(&key.as_str()), "{kind} {key}");
        }
        for key in keys {
            let mut without = value.clone();
            without[kind].as_object_mut().unwrap().remove(key);
            let Err(Error::DeviceInfo { source }) = DeviceInfo::from_json(&without) else {
                panic!("{without} is accepted");
            };
            assert!(source.to_string().contains(key), "{source}");
        }
    }
}

#[test]
fn older_files_are_read() {
    for version in [json!("1.0.0"), json!("")] {
        let mut value = all()[0].clone();
        value["version"] = version;
        let info = DeviceInfo::from_json(&value).unwrap();
        assert_eq!(info.version, "1.0.0");
    }
    let mut unversioned = all()[2].clone();
    unversioned.as_object_mut().unwrap().remove("version");
    assert_eq!(DeviceInfo::from_json(&unversioned).unwrap().version, "1.0.0");
}

#[test]
fn keys_of_later_versions_are_ignored() {
    let mut value = all()[0].clone();
    value["version"] = json!("1.2.0");
    value["pci"]["numa-node"] = json!(1);
    value["later"] = json!({});
    assert!(DeviceInfo::from_json(&value).is_ok());
}

#[test]
fn the_go_clients_name_of_punt_mode_is_read() {
    let mut value = all()[3].clone();
    value["memif"]["mode"] = json!("punt");
    let info = DeviceInfo::from_json(&value).unwrap();
    assert_eq!(serde_json::to_value(info).unwrap()["memif"]["mode"], "inject-punt");
}

#[test]
fn what_describes_no_device_is_refused() {
    let reason = |value: Value| match DeviceInfo::from_json(&value) {
        Err(Error::DeviceInfo { source }) => source.to_string(),
        other => panic!("{other:?}"),
    };
    let mut other_major = all()[0].clone();
    other_major["version"] = json!("2.0.0");
    assert!(reason(other_major).contains("invalid version \"2.0.0\": it must be 1.x.y"));
    assert!(reason(json!({"type": "usb"})).contains("invalid type \"usb\""));
    assert!(reason(json!({"type": "pci", "vdpa": {}})).contains("missing field"));
    assert!(reason(json!({"type": "pci", "version": "1.1.0"})).contains("invalid pci (absent)"));
    assert!(reason(json!([])).contains("invalid"));
}
