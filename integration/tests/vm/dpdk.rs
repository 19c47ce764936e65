//! A VF as a userspace driver's device.

use std::fs::{self, File};

use integration::{listing, run, with};
use serde_json::json;
use testkit::netns::Netns;
use testkit::witness::{ip_json, sysfs};

use crate::bed::{VF0, conf, dpdk_conf, driver, sriov, state};

#[test]
fn vfio_pci_and_uio_are_bound_and_the_kernel_driver_comes_back() {
    let (sriov, before, pod) = (sriov(), state(), Netns::new());
    for name in ["vfio-pci", "uio_pci_generic"] {
        let conf = with(&dpdk_conf(name), &json!({"vlan": 12, "mac": "02:00:00:00:00:96"}));
        let result = sriov.add(&conf, "a", "net1", pod.path()).expect_ok();
        assert_eq!(
            result["interfaces"],
            json!([{"name": "net1", "mac": "02:00:00:00:00:96", "mtu": 1500, "sandbox": pod.path(), "pciID": VF0}])
        );
        assert_eq!(driver(VF0), name);
        let vf = &ip_json(None, &["link", "show", "eth0"])[0]["vfinfo_list"][0];
        assert_eq!(
            (&vf["vlan_list"][0]["vlan"], &vf["address"]),
            (&json!(12), &json!("02:00:00:00:00:96"))
        );
        sriov.check(&conf, "a", "net1", pod.path()).expect_ok();
        sriov.del(&conf, "a", "net1", pod.path()).expect_ok();
        assert_eq!(state(), before, "{name}");
    }
}

#[test]
fn a_missing_module_is_said_and_nothing_changed() {
    let (sriov, before, pod) = (sriov(), state(), Netns::new());
    let (msg, _) = sriov.add(&dpdk_conf("igb_uio"), "a", "net1", pod.path()).expect_error(102);
    assert!(msg.contains("igb_uio"), "{msg}");
    assert_eq!(state(), before);
}

#[test]
fn a_bind_that_fails_half_way_is_undone() {
    let (sriov, before, pod) = (sriov(), state(), Netns::new());
    // The kernel probes nothing while another file stands in the place of drivers_probe: the VF has
    // lost its driver, and neither the new one nor, at once, the old one takes it.
    fs::write("/run/no-probe", "").unwrap();
    run("mount", &["--bind", "/run/no-probe", "/sys/bus/pci/drivers_probe"]);
    let output = sriov.add(&dpdk_conf("vfio-pci"), "a", "net1", pod.path());
    run("umount", &["/sys/bus/pci/drivers_probe"]);
    let (msg, _) = output.expect_error(102);
    assert!(msg.contains("did not bind"), "{msg}");
    sriov.del(&dpdk_conf("vfio-pci"), "a", "net1", pod.path()).expect_ok();
    assert_eq!(state(), before);
}

#[test]
fn a_device_in_use_is_not_pulled_away() {
    let (sriov, before, pod) = (sriov(), state(), Netns::new());
    let conf = dpdk_conf("vfio-pci");
    sriov.add(&conf, "a", "net1", pod.path()).expect_ok();
    let group = fs::read_link(format!("/sys/bus/pci/devices/{VF0}/iommu_group")).unwrap();
    let node = format!("/dev/vfio/{}", group.file_name().unwrap().to_str().unwrap());
    let open = File::options().read(true).write(true).open(node).unwrap();
    let (msg, _) = sriov.del(&conf, "a", "net1", pod.path()).expect_error(11);
    assert!(msg.contains("open"), "{msg}");
    drop(open);
    sriov.del(&conf, "a", "net1", pod.path()).expect_ok();
    assert_eq!(state(), before);
}

#[test]
fn under_kubelet_the_pools_driver_stays() {
    let (sriov, before, pod) =
        (sriov().args("IgnoreUnknown=1;K8S_POD_NAME=p"), state(), Netns::new());
    let conf = conf(&json!({"dpdk": {"dpdk_driver": "vfio-pci"}}));
    let (msg, _) = sriov.add(&conf, "a", "net1", pod.path()).expect_error(7);
    assert!(msg.contains("vfio-pci"), "{msg}");
    assert_eq!(state(), before);
}

#[test]
fn the_result_has_the_shape_of_its_version() {
    let (sriov, pod) = (sriov(), Netns::new());
    for version in ["", "0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] {
        let mut conf = with(&dpdk_conf("vfio-pci"), &json!({"cniVersion": version}));
        if version.is_empty() {
            // The thesis' configurations carry none.
            conf.as_object_mut().unwrap().remove("cniVersion");
        }
        let result = sriov.add(&conf, "a", "net1", pod.path()).expect_ok();
        match version {
            "" => assert_eq!(result, json!({"cniVersion": "0.1.0"})),
            "0.1.0" | "0.2.0" => assert_eq!(result, json!({"cniVersion": version})),
            "1.1.0" => assert_eq!(result["interfaces"][0]["pciID"], VF0),
            _ => {
                let keys: Vec<&String> =
                    result["interfaces"][0].as_object().unwrap().keys().collect();
                assert_eq!(keys, ["mac", "name", "sandbox"], "{version}");
            }
        }
        sriov.del(&conf, "a", "net1", pod.path()).expect_ok();
    }
}

#[test]
fn ipam_is_reported_not_configured() {
    let (sriov, before, pod) = (sriov(), state(), Netns::new());
    let conf = with(&dpdk_conf("vfio-pci"), &json!({"ipam": {"type": "testipam"}}));
    let result = sriov.add(&conf, "a", "net1", pod.path()).expect_ok();
    assert_eq!(result["ips"][0]["address"], "10.9.0.2/24");
    assert_eq!(
        ip_json(Some(pod.name()), &["link", "show"]).as_array().unwrap().len(),
        1,
        "lo only"
    );
    sriov.del(&conf, "a", "net1", pod.path()).expect_ok();
    assert_eq!(state(), before);
}

#[test]
fn a_vf_of_a_dpdk_pool_needs_no_dpdk_object() {
    let (sriov, before, pod) = (sriov(), state(), Netns::new());
    let device = format!("/sys/bus/pci/devices/{VF0}");
    // What a device plugin's pool would have done.
    sriov.add(&dpdk_conf("vfio-pci"), "pool", "net1", pod.path()).expect_ok();
    let record = listing(integration::RECORDS).remove(0);
    let saved = format!("/run/{record}");
    fs::rename(format!("{}/{record}", integration::RECORDS), &saved).unwrap_or_else(|_| {
        fs::copy(format!("{}/{record}", integration::RECORDS), &saved).unwrap();
        fs::remove_file(format!("{}/{record}", integration::RECORDS)).unwrap();
    });
    let conf = conf(&json!({"vlan": 3}));
    sriov.add(&conf, "a", "net1", pod.path()).expect_ok();
    sriov.del(&conf, "a", "net1", pod.path()).expect_ok();
    assert_eq!(
        (driver(VF0).as_str(), sysfs(device + "/driver_override").as_str()),
        ("vfio-pci", "vfio-pci")
    );
    fs::copy(&saved, format!("{}/{record}", integration::RECORDS)).unwrap();
    sriov.del(&dpdk_conf("vfio-pci"), "pool", "net1", pod.path()).expect_ok();
    assert_eq!(state(), before);
}
