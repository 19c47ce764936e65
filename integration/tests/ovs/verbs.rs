//! The verbs, on a real switch.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use integration::{nothing_valid, with};
use serde_json::{Value, json};
use testkit::netns::Netns;

use crate::bed::{BRIDGE, USER, ovs};
use crate::pod::{conf, port_of, state, vhostuser};

#[test]
fn add_makes_a_port_a_directory_and_what_an_application_needs() {
    let (ovs, pod, plugin) = (ovs(), Netns::new(), vhostuser());
    let before = state(&ovs);
    let conf = conf(&json!({"vlan": 7, "mac": "02:00:00:00:00:07", "mtu": 2000, "queues": 2,
                            "ipam": {"type": "testipam"}}));
    let result = plugin.add(&conf, "a", "net1", pod.path()).expect_ok();
    let port = port_of(&ovs, "a", "net1");
    let dir = format!("/run/fastpath/vhostuser/{port}");
    let socket = format!("{dir}/vhost.sock");
    assert_eq!(
        result,
        json!({"cniVersion": "1.1.0",
               "interfaces": [{"name": "net1", "mac": "02:00:00:00:00:07", "mtu": 2000,
                               "sandbox": pod.path(), "socketPath": socket}],
               "ips": [{"address": "10.9.0.2/24", "gateway": "10.9.0.1", "interface": 0}],
               "routes": [{"dst": "10.8.0.0/16"}]})
    );
    let rows = ovs.find(
        "Interface",
        &["type", "options", "mtu_request", "error"],
        &[&format!("name={port}")],
    );
    assert_eq!(
        rows,
        [json!({"type": "dpdkvhostuserclient", "options": {"vhost-server-path": socket},
                             "mtu_request": 2000, "error": []})]
    );
    let ids = &ovs.find("Port", &["tag", "external_ids"], &[&format!("name={port}")])[0];
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    assert_eq!(
        ids,
        &json!({"tag": 7, "external_ids": {"fastpath-container": "a", "fastpath-ifname": "net1",
                "fastpath-network": "fast", "fastpath-boot": boot.trim()}})
    );
    let attachment: Value =
        serde_json::from_slice(&fs::read(format!("{dir}/attachment.json")).unwrap()).unwrap();
    assert_eq!(
        attachment,
        json!({"version": 1, "containerID": "a", "ifname": "net1", "network": "fast", "mode": "server",
               "socketPath": socket, "mac": "02:00:00:00:00:07", "mtu": 2000, "queues": 2, "numa": 0,
               "ips": [{"address": "10.9.0.2/24", "gateway": "10.9.0.1"}],
               "routes": [{"dst": "10.8.0.0/16"}]})
    );
    let eal_args = fs::read_to_string(format!("{dir}/eal-args")).unwrap();
    let expected =
        format!("--vdev=virtio_user_net1,path={socket},server=1,mac=02:00:00:00:00:07,queues=2\n");
    assert_eq!(eal_args, expected);
    for (path, mode) in [(dir.clone(), 0o700), (format!("{dir}/eal-args"), 0o440)] {
        let meta = fs::metadata(path).unwrap();
        assert_eq!(
            (meta.permissions().mode() & 0o7777, meta.uid(), meta.gid()),
            (mode, USER, USER)
        );
    }
    plugin.check(&with(&conf, &json!({"prevResult": result})), "a", "net1", pod.path()).expect_ok();
    plugin.del(&conf, "a", "net1", pod.path()).expect_ok();
    assert_eq!(state(&ovs), before);
}

#[test]
fn add_twice_is_refused_and_the_first_one_stays() {
    let (ovs, pod, plugin) = (ovs(), Netns::new(), vhostuser());
    let conf = conf(&json!({}));
    plugin.add(&conf, "a", "net1", pod.path()).expect_ok();
    let attached = state(&ovs);
    let (msg, _) = plugin.add(&conf, "a", "net1", pod.path()).expect_error(7);
    assert!(msg.contains("attached already"), "{msg}");
    assert_eq!(state(&ovs), attached);
    plugin.del(&conf, "a", "net1", pod.path()).expect_ok();
}

#[test]
fn del_twice_without_add_and_without_namespace() {
    let (ovs, plugin) = (ovs(), vhostuser());
    let (before, conf) = (state(&ovs), conf(&json!({})));
    plugin.del(&conf, "a", "net1", "").expect_ok();
    let pod = Netns::new();
    let path = pod.path().to_owned();
    plugin.add(&conf, "a", "net1", &path).expect_ok();
    pod.delete();
    plugin.del(&conf, "a", "net1", "").expect_ok();
    plugin.del(&conf, "a", "net1", &path).expect_ok();
    assert_eq!(state(&ovs), before);
}

#[test]
fn a_mac_belongs_to_one_attachment() {
    let (ovs, pod, plugin) = (ovs(), Netns::new(), vhostuser());
    let conf = conf(&json!({"mac": "02:00:00:00:00:07"}));
    plugin.add(&conf, "a", "net1", pod.path()).expect_ok();
    let attached = state(&ovs);
    let (msg, _) = plugin.add(&conf, "b", "net1", pod.path()).expect_error(7);
    assert!(msg.contains("02:00:00:00:00:07 belongs to interface vh"), "{msg}");
    assert_eq!(state(&ovs), attached);
    plugin.del(&conf, "a", "net1", pod.path()).expect_ok();
}

#[test]
fn an_application_without_a_mac_of_its_own_gets_one() {
    let (_ovs, pod, plugin) = (ovs(), Netns::new(), vhostuser());
    let conf = conf(&json!({}));
    let macs = ["net1", "net2"].map(|ifname| {
        let result = plugin.add(&conf, "a", ifname, pod.path()).expect_ok();
        result["interfaces"][0]["mac"].as_str().unwrap().to_owned()
    });
    assert_ne!(macs[0], macs[1]);
    assert!(macs.iter().all(|mac| mac.starts_with("02:")), "{macs:?}");
    for ifname in ["net1", "net2"] {
        plugin.del(&conf, "a", ifname, pod.path()).expect_ok();
    }
}

#[test]
fn the_runtime_may_ask_for_mac_addresses_bandwidth_and_device_info() {
    let (ovs, pod, plugin) = (ovs(), Netns::new(), vhostuser());
    let before = state(&ovs);
    let file = "/run/devinfo/a.json";
    let conf = conf(&json!({"runtimeConfig": {"mac": "02:00:00:00:00:09", "ips": ["10.1.2.3/24"],
        "bandwidth": {"ingressRate": 8_000_000, "ingressBurst": 80_000, "egressRate": 2_000_000},
        "CNIDeviceInfoFile": file}}));
    let result = plugin.add(&conf, "a", "net1", pod.path()).expect_ok();
    assert_eq!(result["interfaces"][0]["mac"], "02:00:00:00:00:09");
    assert_eq!(result["ips"], json!([{"address": "10.1.2.3/24", "interface": 0}]));
    let info: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let path = &result["interfaces"][0]["socketPath"];
    // Seen from the container, which makes the socket.
    let expected = json!({"type": "vhost-user", "version": "1.1.0",
                          "vhost-user": {"mode": "server", "path": path}});
    assert_eq!(info, expected);
    let port = format!("name={}", port_of(&ovs, "a", "net1"));
    let policing = ["ingress_policing_rate", "ingress_policing_burst"];
    assert_eq!(
        ovs.find("Interface", &policing, &[&port]),
        [json!({policing[0]: 2000, policing[1]: 200})]
    );
    let qos = ovs.find("QoS", &["type", "other_config"], &[]);
    let limits = json!({"cir": "1000000", "cbs": "10000"});
    assert_eq!(qos, [json!({"type": "egress-policer", "other_config": limits})]);
    plugin.del(&conf, "a", "net1", pod.path()).expect_ok();
    assert!(!fs::exists(file).unwrap());
    assert_eq!(state(&ovs), before);
}

#[test]
fn results_are_in_the_version_of_the_configuration() {
    let (_ovs, pod, plugin) = (ovs(), Netns::new(), vhostuser());
    for version in ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] {
        let conf = conf(&json!({"cniVersion": version, "ipam": {"type": "testipam"}}));
        let result = plugin.add(&conf, "a", "net1", pod.path()).expect_ok();
        assert_eq!(result["cniVersion"], version);
        let has_socket = result["interfaces"][0]["socketPath"].is_string();
        assert_eq!(has_socket, version == "1.1.0", "{result}");
        plugin.del(&conf, "a", "net1", pod.path()).expect_ok();
    }
}

/// Each drift, made by the switch's own tools, and the words that CHECK has for it.
#[test]
fn check_detects_drift() {
    let (ovs, pod, plugin) = (ovs(), Netns::new(), vhostuser());
    let conf = conf(&json!({"vlan": 7, "trunks": [8, 9], "mtu": 2000}));
    plugin.add(&conf, "a", "net1", pod.path()).expect_ok();
    let port = port_of(&ovs, "a", "net1");
    let dir = format!("/run/fastpath/vhostuser/{port}");
    let check = || plugin.check(&conf, "a", "net1", pod.path());
    check().expect_ok();
    let socket = format!("{dir}/vhost.sock");
    let vhost_path = format!("options:vhost-server-path={socket}");
    for (change, back, word) in [
        (["set", "Port", &port, "tag=8"], ["set", "Port", &port, "tag=7"], "other VLANs"),
        (["set", "Port", &port, "trunks=8"], ["set", "Port", &port, "trunks=8,9"], "other VLANs"),
        (
            ["set", "Interface", &port, "mtu_request=1400"],
            ["set", "Interface", &port, "mtu_request=2000"],
            "MTU 1400",
        ),
        (
            ["set", "Interface", &port, "options:vhost-server-path=/run/x"],
            ["set", "Interface", &port, &vhost_path],
            "connects to /run/x",
        ),
        (
            ["set", "Port", &port, "external_ids:fastpath-container=b"],
            ["set", "Port", &port, "external_ids:fastpath-container=a"],
            "belongs to another",
        ),
    ] {
        ovs.vsctl(&change);
        let (msg, _) = check().expect_error(100);
        assert!(msg.contains(word), "{msg}");
        ovs.vsctl(&back);
    }
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o777)).unwrap();
    assert!(check().expect_error(100).0.contains("mode 40777"));
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(&socket, "").unwrap();
    assert!(check().expect_error(100).0.contains("is not a socket"));
    fs::remove_file(&socket).unwrap();
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    assert!(check().expect_error(100).0.contains("belongs to user 0"));
    fs::remove_file(&socket).unwrap();
    check().expect_ok();
    ovs.vsctl(&["del-port", BRIDGE, &port]);
    assert!(check().expect_error(100).0.contains("there is no port"));
    plugin.del(&conf, "a", "net1", pod.path()).expect_ok();
    assert!(check().expect_error(100).0.contains("no record"));
}

#[test]
fn gc_takes_back_what_is_not_valid_of_its_network() {
    let (ovs, pod, plugin) = (ovs(), Netns::new(), vhostuser());
    let before = state(&ovs);
    let (mine, other) =
        (conf(&json!({"ipam": {"type": "testipam"}})), conf(&json!({"name": "other"})));
    for container in ["a", "b", "c"] {
        plugin.add(&mine, container, "net1", pod.path()).expect_ok();
    }
    plugin.add(&other, "d", "net1", pod.path()).expect_ok();
    // Its record is lost.
    let lost =
        fs::read_dir("/var/lib/fastpath/vhostuser").unwrap().map(|entry| entry.unwrap().path());
    let lost = lost.filter(|path| path.display().to_string().ends_with("@c:net1.json"));
    lost.for_each(|path| fs::remove_file(path).unwrap());
    let port = port_of(&ovs, "c", "net1");
    fs::remove_dir_all(format!("/run/fastpath/vhostuser/{port}")).unwrap();

    plugin.gc(&mine).expect_ok();
    assert_eq!(ovs.ports(BRIDGE).len(), 4, "a runtime that does not say what is valid");
    let valid = json!({"cni.dev/valid-attachments": [{"containerID": "a", "ifname": "net1"}]});
    plugin.gc(&with(&mine, &valid)).expect_ok();
    let mut ports = [port_of(&ovs, "a", "net1"), port_of(&ovs, "d", "net1")];
    ports.sort();
    assert_eq!(ovs.ports(BRIDGE), ports);
    for conf in [&mine, &other] {
        plugin.gc(&nothing_valid(conf)).expect_ok();
    }
    assert_eq!(state(&ovs), before);
}

#[test]
fn status_says_what_is_missing() {
    let (ovs, plugin) = (ovs(), vhostuser());
    plugin.status(&conf(&json!({}))).expect_ok();
    plugin.status(&conf(&json!({"bridge": "br9", "createBridge": true}))).expect_ok();
    let (msg, _) = plugin.status(&conf(&json!({"bridge": "br9"}))).expect_error(50);
    assert!(msg.contains("there is no bridge br9"), "{msg}");
    ovs.vsctl(&["--no-wait", "add-br", "brk"]);
    let (msg, _) = plugin.status(&conf(&json!({"bridge": "brk"}))).expect_error(50);
    assert!(msg.contains("not netdev"), "{msg}");
    ovs.vsctl(&["--no-wait", "del-br", "brk"]);
    ovs.vsctl(&["--no-wait", "set", "Open_vSwitch", ".", "dpdk_initialized=false"]);
    let (msg, _) = plugin.status(&conf(&json!({}))).expect_error(50);
    assert!(msg.contains("DPDK"), "{msg}");
    ovs.vsctl(&["--no-wait", "set", "Open_vSwitch", ".", "dpdk_initialized=true"]);
    let (msg, _) = plugin.status(&conf(&json!({"ovsdb": "unix:/run/no.sock"}))).expect_error(50);
    assert!(msg.contains("/run/no.sock"), "{msg}");
}

#[test]
fn a_bridge_that_was_made_goes_with_its_last_port() {
    let (ovs, pod, plugin) = (ovs(), Netns::new(), vhostuser());
    let before = state(&ovs);
    let conf = conf(&json!({"bridge": "made", "createBridge": true}));
    for container in ["a", "b"] {
        plugin.add(&conf, container, "net1", pod.path()).expect_ok();
    }
    assert_eq!(ovs.ports("made").len(), 2);
    let types = ovs.find("Bridge", &["datapath_type"], &["name=made"]);
    assert_eq!(types, [json!({"datapath_type": "netdev"})]);
    plugin.del(&conf, "a", "net1", pod.path()).expect_ok();
    assert_eq!(ovs.ports("made").len(), 1);
    plugin.del(&conf, "b", "net1", pod.path()).expect_ok();
    assert_eq!(state(&ovs), before);

    // One that an administrator uses, too, stays, and so does one that was there before.
    plugin.add(&conf, "a", "net1", pod.path()).expect_ok();
    let outer = ovs.add_outer("made", None);
    plugin.del(&conf, "a", "net1", pod.path()).expect_ok();
    assert_eq!(ovs.ports("made"), [outer.port()]);
    drop(outer);
    ovs.vsctl(&["del-br", "made"]);
    ovs.add_bridge("made");
    plugin.add(&conf, "a", "net1", pod.path()).expect_ok();
    plugin.del(&conf, "a", "net1", pod.path()).expect_ok();
    assert!(ovs.ports("made").is_empty());
    ovs.vsctl(&["del-br", "made"]);
}
