//! Where sockets go, and who gets at them.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown, symlink};
use std::path::Path;

use integration::{SOCKETS, listing, with};
use serde_json::json;
use testkit::netns::Netns;
use testkit::testpmd::{Options, Testpmd};

use crate::bed::{BRIDGE, USER, ovs};
use crate::pod::{Pod, conf, port_of, state, vhostuser};

/// A slot as the node agent makes it.
pub(crate) fn make_slot(id: &str, bridge: &str) -> String {
    let home = format!("/run/fastpath/slots/{id}");
    fs::create_dir_all(format!("{home}/pod")).unwrap();
    let info = json!({"version": 1, "pool": "fastpath.dev/vhostuser", "bridge": bridge, "numa": 1});
    fs::write(format!("{home}/slot.json"), info.to_string()).unwrap();
    format!("{home}/pod")
}

/// The volume that kubelet makes for a pod, as large as it may be.
fn make_volume(uid: &str) -> String {
    let volume = format!("/var/lib/kubelet/pods/{uid}/volumes/kubernetes.io~empty-dir/shared-dir");
    fs::create_dir_all(&volume).unwrap();
    volume
}

#[test]
fn a_second_user_does_not_get_at_the_socket() {
    let ovs = ovs();
    let mut pod = Pod::new(&ovs, "a");
    pod.attach_two(&json!({}));
    let testpmd = pod.forward(Options::default());
    let socket = pod.attachment(0).socket.clone();
    assert_eq!(fs::metadata(&socket).unwrap().uid(), USER);
    let opens = |user: u32| {
        let words = format!(
            "--reuid={user} --regid={user} --clear-groups --bounding-set=-all --no-new-privs"
        );
        let mut command = pod.netns.command("setpriv");
        command.args(words.split(' ')).args(["test", "-S"]).arg(&socket).status().unwrap().success()
    };
    assert!(opens(USER) && !opens(USER + 1));
    pod.check();
    drop(testpmd);
    pod.detach();
}

#[test]
fn a_slot_keeps_its_directory_and_belongs_to_one() {
    let (ovs, pod, plugin) = (ovs(), Netns::new(), vhostuser());
    let (before, dir) = (state(&ovs), make_slot("pool-0", BRIDGE));
    let inode = || fs::metadata(&dir).unwrap().ino();
    let (made, conf) = (inode(), conf(&json!({"deviceID": "pool-0"})));
    fs::write(format!("{dir}/old.sock"), "").unwrap();
    let result = plugin.add(&conf, "a", "net1", pod.path()).expect_ok();
    assert_eq!(result["interfaces"][0]["socketPath"], format!("{dir}/vhost.sock"));
    assert_eq!(listing(&dir), ["attachment.json", "eal-args"]);
    assert!(fs::read_to_string(format!("{dir}/attachment.json")).unwrap().contains(r#""numa": 1"#));
    let (msg, _) = plugin.add(&conf, "b", "net1", pod.path()).expect_error(11);
    assert!(msg.contains("slot pool-0 is attached to container a:net1"), "{msg}");
    let (msg, _) = plugin
        .add(&with(&conf, &json!({"bridge": "br9"})), "b", "net2", pod.path())
        .expect_error(7);
    assert!(msg.contains("pool fastpath.dev/vhostuser is for bridge br0"), "{msg}");
    fs::write(format!("{dir}/vhost.sock"), "").unwrap();
    plugin.del(&conf, "a", "net1", pod.path()).expect_ok();
    assert!(listing(&dir).is_empty());
    assert_eq!(inode(), made);

    // A pod that died without DEL does not keep its slot, and its late DEL does not touch the new owner's.
    let dead = Netns::new();
    let path = dead.path().to_owned();
    plugin.add(&conf, "dead", "net1", &path).expect_ok();
    dead.delete();
    plugin.add(&conf, "b", "net1", pod.path()).expect_ok();
    plugin.del(&conf, "dead", "net1", &path).expect_ok();
    assert_eq!(listing(&dir), ["attachment.json", "eal-args"]);
    assert_eq!(ovs.ports(BRIDGE), [port_of(&ovs, "b", "net1")]);
    plugin.del(&conf, "b", "net1", pod.path()).expect_ok();
    assert_eq!(state(&ovs), before);
    let (msg, details) = plugin
        .add(&with(&conf, &json!({"deviceID": "pool-9"})), "a", "net1", pod.path())
        .expect_error(7);
    assert!(
        msg.contains("pool-9/slot.json") && details.contains("resourceName"),
        "{msg}: {details}"
    );
}

#[test]
fn in_kubernetes_a_pod_without_a_slot_has_a_volume_or_is_refused() {
    let (ovs, pod) = (ovs(), Netns::new());
    let before = state(&ovs);
    let uid = "0f8fad5b-d9cb-469f-a165-70867728950e";
    let args =
        |uid: &str| format!("K8S_POD_NAMESPACE=default;K8S_POD_NAME=web-0;K8S_POD_UID={uid}");
    let plugin = vhostuser().args(&args(uid));
    let conf = conf(&json!({"mountPath": "/sockets", "socketDir": {"owner": USER}}));
    let (msg, details) = plugin.add(&conf, "a", "net1", pod.path()).expect_error(7);
    assert!(msg.contains("shared-dir") && details.contains("resourceName"), "{msg}: {details}");
    for bad in ["", "../../..", "a/b"] {
        vhostuser().args(&args(bad)).add(&conf, "a", "net1", pod.path()).expect_error(7);
    }

    let volume = make_volume(uid);
    // Kubernetes' fsGroup: what is made in it belongs to the pod's group.
    chown(&volume, None, Some(77)).unwrap();
    fs::set_permissions(&volume, std::os::unix::fs::PermissionsExt::from_mode(0o2777)).unwrap();
    let result = plugin.add(&conf, "a", "net1", pod.path()).expect_ok();
    let (dir, port) = (format!("{volume}/net1"), port_of(&ovs, "a", "net1"));
    assert_eq!(result["interfaces"][0]["socketPath"], format!("{dir}/vhost.sock"));
    let options = ovs.find("Interface", &["options"], &[&format!("name={port}")]);
    let path = format!("{SOCKETS}/{port}/vhost.sock");
    assert_eq!(options, [json!({"options": {"vhost-server-path": path}})]);
    assert!(
        path.len() < 108
            && fs::canonicalize(format!("{SOCKETS}/{port}")).unwrap() == Path::new(&dir)
    );
    let ids = ovs.find("Port", &["external_ids"], &[&format!("name={port}")]);
    assert_eq!(ids[0]["external_ids"]["fastpath-pod"], "default/web-0");
    let args = fs::read_to_string(format!("{dir}/eal-args")).unwrap();
    assert!(args.contains("path=/sockets/net1/vhost.sock,server=1"), "{args}");
    for path in [dir.clone(), format!("{dir}/eal-args")] {
        assert_eq!(fs::metadata(path).unwrap().gid(), 77);
    }
    plugin.check(&conf, "a", "net1", pod.path()).expect_ok();
    fs::remove_file(format!("{SOCKETS}/{port}")).unwrap();
    assert!(
        plugin.check(&conf, "a", "net1", pod.path()).expect_error(100).0.contains("does not lead")
    );
    plugin.del(&conf, "a", "net1", pod.path()).expect_ok();
    assert!(listing(&volume).is_empty());

    // What a pod has put there itself is not gone through.
    symlink("/etc", &dir).unwrap();
    let (msg, _) = plugin.add(&conf, "a", "net1", pod.path()).expect_error(7);
    assert!(msg.contains("there already"), "{msg}");
    plugin.del(&conf, "a", "net1", pod.path()).expect_ok();
    assert!(Path::new(&dir).is_symlink() && Path::new("/etc/passwd").exists());
    fs::remove_file(dir).unwrap();
    assert_eq!(state(&ovs), before);
}

#[test]
fn what_stands_in_the_place_of_the_directory_is_refused_and_stays() {
    let (ovs, pod, plugin) = (ovs(), Netns::new(), vhostuser());
    let (before, conf) = (state(&ovs), conf(&json!({})));
    plugin.add(&conf, "a", "net1", pod.path()).expect_ok();
    let dir = format!("{SOCKETS}/{}", port_of(&ovs, "a", "net1"));
    plugin.del(&conf, "a", "net1", pod.path()).expect_ok();

    fs::create_dir(&dir).unwrap();
    fs::write(format!("{dir}/theirs"), "").unwrap();
    let refused = || {
        let (msg, details) = plugin.add(&conf, "a", "net1", pod.path()).expect_error(7);
        assert!(msg.contains(&dir) && details.contains("remove it"), "{msg}: {details}");
        plugin.del(&conf, "a", "net1", pod.path()).expect_ok();
    };
    refused();
    assert_eq!(listing(&dir), ["theirs"]);
    fs::remove_dir_all(&dir).unwrap();
    fs::create_dir("/run/elsewhere").unwrap();
    symlink("/run/elsewhere", &dir).unwrap();
    refused();
    assert!(Path::new(&dir).is_symlink() && listing("/run/elsewhere").is_empty());
    fs::remove_file(&dir).unwrap();
    fs::remove_dir("/run/elsewhere").unwrap();
    assert_eq!(state(&ovs), before);
}

#[test]
fn the_directory_gets_its_label() {
    let (_ovs, pod, plugin) = (ovs(), Netns::new(), vhostuser());
    let label = "system_u:object_r:container_file_t:s0";
    let conf = conf(&json!({"socketDir": {"selinuxLabel": label}}));
    let result = plugin.add(&conf, "a", "net1", pod.path()).expect_ok();
    let socket = result["interfaces"][0]["socketPath"].as_str().unwrap();
    let dir = Path::new(socket).parent().unwrap();
    for path in [dir.to_owned(), dir.join("eal-args")] {
        let path = path.display().to_string();
        let seen = pod.exec(&[
            "getfattr",
            "--absolute-names",
            "--only-values",
            "-n",
            "security.selinux",
            &path,
        ]);
        assert_eq!(seen.trim_end_matches('\0'), label);
    }
    plugin.del(&conf, "a", "net1", pod.path()).expect_ok();
}

#[test]
fn names_that_a_shell_would_take_apart_are_refused() {
    let (_ovs, pod, plugin) = (ovs(), Netns::new(), vhostuser());
    for ifname in ["a$(id)", "a;b", "a,b", "a'b", ".a"] {
        let (msg, _) = plugin.add(&conf(&json!({})), "a", ifname, pod.path()).expect_error(7);
        assert!(msg.contains("cannot be used"), "{msg}");
    }
}

/// As userspace-cni is configured, word for word.
#[test]
fn the_dialect_of_userspace_cni_works() {
    let ovs = ovs();
    let before = state(&ovs);
    let pod = Netns::new();
    fs::create_dir_all("/run/shared").unwrap();
    let conf = json!({"cniVersion": "1.1.0", "name": "user", "type": "userspace", "sharedDir": "/run/shared",
        "host": {"engine": "ovs-dpdk", "iftype": "vhostuser", "netType": "bridge",
                 "vhost": {"mode": "client", "group": "daemon", "socketfile": "net1.sock"},
                 "bridge": {"bridgeName": BRIDGE, "vlanId": 100}},
        "container": {"engine": "ovs-dpdk", "iftype": "vhostuser", "netType": "interface",
                      "vhost": {"mode": "server"}}});
    let plugin = vhostuser();
    let result = plugin.add(&conf, "a", "net1", pod.path()).expect_ok();
    let port = port_of(&ovs, "a", "net1");
    assert_eq!(result["interfaces"][0]["socketPath"], format!("/run/shared/{port}/net1.sock"));
    let tag = ovs.find("Port", &["tag"], &[&format!("name={port}")]);
    assert_eq!(tag, [json!({"tag": 100})]);
    let args = fs::read_to_string(format!("/run/shared/{port}/eal-args")).unwrap();
    let testpmd =
        Testpmd::start(&pod, &Options { eal: vec![args.trim().to_owned()], ..Options::default() });
    ovs.wait_link_up(&port);
    drop(testpmd);
    plugin.del(&conf, "a", "net1", pod.path()).expect_ok();
    assert!(listing("/run/shared").is_empty());
    let long = with(&conf, &json!({"sharedDir": format!("/run/{}", "x".repeat(80))}));
    let (msg, _) = plugin.add(&long, "a", "net1", pod.path()).expect_error(7);
    assert!(msg.contains("107 bytes"), "{msg}");
    assert_eq!(state(&ovs), before);
}
