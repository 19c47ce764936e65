//! Devices that kubelet gave a pod, from the file in which it keeps them, and what is told of them.

use std::fs;
use std::path::{Path, PathBuf};

use integration::{listing, with};
use serde_json::{Value, json};
use testkit::cni::Output;
use testkit::k8s::busybox_pod;

use super::scene::{NETWORKS, NO_DEVICE, Pod, Scene, definition, mark};

const RESOURCE: &str = "k8s.v1.cni.cncf.io/resourceName";
/// Where the device-info specification has its files.
const DEVICE_INFO: &str = "/run/k8s.cni.cncf.io";

/// The directories of a kubelet and its device plugins, in the place of the node's in calls of this
/// test.
struct Kubelet {
    dir: PathBuf,
    info: PathBuf,
}

impl Kubelet {
    fn new(scene: &Scene) -> Self {
        let [dir, info] = ["kubelet", "info"].map(|name| scene.marker.dir().join(name));
        fs::create_dir_all(dir.join("device-plugins")).unwrap();
        fs::create_dir_all(info.join("devinfo/dp")).unwrap();
        Self { dir, info }
    }

    /// These devices are a pod's: container, resource, ids.
    fn gives(&self, pod: &Pod, devices: &[(&str, &str, &[&str])]) {
        let entry = |(container, resource, ids): &(&str, &str, &[&str])| {
            json!({"PodUID": pod.uid, "ContainerName": container, "ResourceName": resource,
                   "DeviceIDs": {"0": ids}, "AllocResp": "CgA="})
        };
        let mut entries: Vec<_> = devices.iter().map(entry).collect();
        entries.push(
            json!({"PodUID": "another", "ContainerName": "main", "ResourceName": "test.dev/vf",
                            "DeviceIDs": {"0": ["of-another"]}, "AllocResp": ""}),
        );
        let data =
            json!({"PodDeviceEntries": entries, "RegisteredDevices": {"test.dev/vf": ["x"]}});
        let file = json!({"Data": data, "Checksum": 1});
        fs::write(self.dir.join("device-plugins/kubelet_internal_checkpoint"), file.to_string())
            .unwrap();
    }

    fn add(&self, pod: &Pod, conf: &Value) -> Output {
        self.call("ADD", pod, conf)
    }

    fn call(&self, verb: &str, pod: &Pod, conf: &Value) -> Output {
        pod.call_with(verb, conf, &[(&self.dir, "/var/lib/kubelet"), (&self.info, DEVICE_INFO)])
    }

    /// The device information of attachments.
    fn attached(&self) -> Vec<String> {
        listing(self.info.join("devinfo/cni"))
    }
}

/// A network that attaches devices of a resource.
fn of_resource(scene: &Scene, name: &str, resource: &str, config: &Value) {
    let object = definition(scene.name, name, &config.to_string());
    let metadata = with(&object["metadata"], &json!({"annotations": {RESOURCE: resource}}));
    scene.api.apply(&with(&object, &json!({ "metadata": metadata })));
}

/// A pod with these containers, each with what it requests.
fn pod(scene: &Scene, name: &str, networks: &str, containers: &[(&str, Value)]) -> Pod {
    let mut object = busybox_pod(scene.name, name, &json!({ NETWORKS: networks }));
    let container = |(name, limits): &(&str, Value)| {
        let image = "docker.io/library/busybox:test";
        json!({"name": name, "image": image, "resources": {"limits": limits}})
    };
    object["spec"]["containers"] = containers.iter().map(container).collect();
    scene.create(&object)
}

/// The device that a network's plugin was given.
fn device(scene: &Scene, call: &str) -> String {
    scene.marker.stdin(call)["deviceID"].as_str().unwrap().to_owned()
}

#[test]
fn each_device_is_given_once_in_the_order_of_the_containers() {
    let scene = Scene::new("devices", &[("plain", mark("three"))]);
    let kubelet = Kubelet::new(&scene);
    of_resource(&scene, "vf", "test.dev/vf", &mark("two"));
    let conf = scene.conf(&json!({}));
    let one = pod(&scene, "one", "vf,plain,vf", &[("main", json!({"test.dev/vf": 2}))]);
    kubelet.gives(&one, &[("main", "test.dev/vf", &["dev-9", "dev-1"])]);
    kubelet.add(&one, &conf).expect_ok();
    assert_eq!(
        (device(&scene, "two ADD net1"), device(&scene, "two ADD net3")),
        ("dev-9".into(), "dev-1".into())
    );
    assert_eq!(scene.marker.stdin("three ADD net2")["deviceID"], Value::Null);
    assert_eq!(scene.marker.stdin("two ADD net1")["pciBusID"], "dev-9");
    one.check(&conf).expect_ok();
    one.del(&conf).expect_ok();
    assert_eq!(device(&scene, "two DEL net3"), "dev-1");

    // The file has the containers in no order, the pod has.
    let containers = [
        ("zulu", json!({"test.dev/vf": 1})),
        ("alpha", json!({"test.dev/vf": 1, "test.dev/other": 1})),
        ("none", json!({})),
    ];
    let two = pod(&scene, "two", "vf,vf", &containers);
    kubelet.gives(
        &two,
        &[
            ("alpha", "test.dev/other", &["dev-0"]),
            ("alpha", "test.dev/vf", &["dev-a"]),
            ("zulu", "test.dev/vf", &["dev-z"]),
        ],
    );
    kubelet.add(&two, &conf).expect_ok();
    assert_eq!(
        (device(&scene, "two ADD net1"), device(&scene, "two ADD net2")),
        ("dev-z".into(), "dev-a".into())
    );
    two.del(&conf).expect_ok();
    scene.assert_clean(&[&one, &two]);
}

#[test]
fn a_network_without_a_device_for_it_fails_the_pod() {
    let scene = Scene::new("nodevice", &[]);
    let kubelet = Kubelet::new(&scene);
    of_resource(&scene, "vf", "test.dev/vf", &mark("two"));
    of_resource(&scene, "misspelt", "test.dev/fv", &mark("two"));
    let conf = scene.conf(&json!({}));
    for (name, networks, given, parts) in [
        (
            "misspelt",
            "misspelt",
            true,
            ["test.dev/fv", "the pod requests none; closest: test.dev/vf"],
        ),
        ("too-many", "vf,vf", true, ["nodevice/too-many", "test.dev/vf: 1"]),
        ("none-yet", "vf", false, ["nodevice/vf", "kubelet gave it none"]),
    ] {
        let pod = pod(&scene, name, networks, &[("main", json!({"test.dev/vf": 1}))]);
        kubelet.gives(&pod, if given { &[("main", "test.dev/vf", &["dev-1"])] } else { &[] });
        let (msg, details) = kubelet.add(&pod, &conf).expect_error(NO_DEVICE);
        for part in parts {
            assert!(format!("{msg}: {details}").contains(part), "{name}: {part}: {msg}: {details}");
        }
        assert!(details.contains("resourceName"), "{details}");
        scene.assert_clean(&[&pod]);
    }
    let without = pod(&scene, "without", "vf", &[("main", json!({}))]);
    kubelet.gives(&without, &[]);
    let (_, details) = kubelet.add(&without, &conf).expect_error(NO_DEVICE);
    assert!(details.starts_with("the pod requests none."), "{details}");
    // Neither socket nor file: kubelet is on its way up.
    let nobody = scene.marker.dir().join("nobody");
    fs::create_dir_all(&nobody).unwrap();
    let output = without.call_with("ADD", &conf, &[(&nobody, "/var/lib/kubelet")]);
    let (_, details) = output.expect_error(11);
    assert!(details.contains("kubelet"), "{details}");
    scene.assert_clean(&[&without]);
}

#[test]
fn the_devices_information_is_passed_on_published_and_removed() {
    let scene = Scene::new("info", &[]);
    let kubelet = Kubelet::new(&scene);
    let config =
        with(&mark("two"), &json!({"capabilities": {"CNIDeviceInfoFile": true, "deviceID": true}}));
    of_resource(&scene, "vf", "test.dev/info-vf", &config);
    let conf = scene.conf(&json!({}));
    let pod = pod(&scene, "pod", "vf,vf", &[("main", json!({"test.dev/info-vf": 2}))]);
    kubelet.gives(&pod, &[("main", "test.dev/info-vf", &["0000:01:10.0", "0000:01:10.2"])]);
    // The device plugin says something of the first one only.
    let info = json!({"type": "pci", "version": "1.1.0",
                      "pci": {"pci-address": "0000:01:10.0", "pf-pci-address": "0000:01:00.0"}});
    let file = kubelet.info.join("devinfo/dp").join("test.dev-info-vf-0000:01:10.0-device.json");
    fs::write(&file, info.to_string()).unwrap();
    kubelet.add(&pod, &conf).expect_ok();
    let given = scene.marker.stdin("two ADD net1")["runtimeConfig"].clone();
    assert_eq!(given["deviceID"], "0000:01:10.0");
    let path = Path::new(given["CNIDeviceInfoFile"].as_str().unwrap());
    let name = path.file_name().unwrap().to_str().unwrap();
    assert_eq!(kubelet.attached(), [name], "only for the first there is something to copy");
    let copy = fs::read_to_string(kubelet.info.join("devinfo/cni").join(name)).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&copy).unwrap(), info);
    let second = scene.marker.stdin("two ADD net2")["runtimeConfig"]["CNIDeviceInfoFile"].clone();
    assert_ne!(second, given["CNIDeviceInfoFile"]);
    let status = scene.status("pod");
    assert_eq!(status[0]["device-info"], Value::Null);
    assert_eq!(status[1]["device-info"], info);
    assert_eq!(status[2]["device-info"], Value::Null);
    kubelet.call("DEL", &pod, &conf).expect_ok();
    assert_eq!(kubelet.attached(), [""; 0]);
    scene.assert_clean(&[&pod]);

    // What cannot be read is not published, nor is the pod left half attached.
    fs::write(&file, "{").unwrap();
    let (msg, details) = kubelet.add(&pod, &conf).expect_error(6);
    assert!(format!("{msg}: {details}").contains("info-vf"), "{msg}: {details}");
    scene.assert_clean(&[&pod]);
    assert_eq!(kubelet.attached(), [""; 0]);
}
