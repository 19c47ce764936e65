//! multus-lite with static delegates: Debian's plugins, our sriov, and one that fails on demand.

use std::fs;

use integration::marker::Marker;
use integration::{listing, with};
use serde_json::{Value, json};
use testkit::cni::Plugin;
use testkit::netns::Netns;
use testkit::witness::ip_json;

use crate::bed::{VF0, VF1, sriov, state};

/// Where the plugin that fails on demand is.
pub(crate) const MARKER: &str = "/run/marker";

/// multus-lite on the made-up host, with all the plugins it may call.
pub(crate) fn multus() -> (Plugin, Marker, impl Drop) {
    let (_, turn) = sriov();
    let marker = Marker::install(MARKER, &["one", "two", "three"]);
    drop(marker.calls());
    let bin = marker.dir().join("bin").display().to_string();
    let plugin = Plugin::new("multus-lite").path("/usr/lib/cni").path(&bin);
    (plugin.path(&integration::test_ipam()), marker, turn)
}

pub(crate) fn conf(delegates: &Value) -> Value {
    json!({"cniVersion": "1.1.0", "name": "all", "type": "multus", "delegates": delegates})
}

/// Default network by bridge and host-local, as in Debian; they speak versions up to 1.0.0.
fn bridge() -> Value {
    json!({"cniVersion": "1.0.0", "name": "default", "type": "bridge", "bridge": "fpbr0", "isGateway": true,
           "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.77.0.0/24"}]],
                    "routes": [{"dst": "0.0.0.0/0"}]}})
}

pub(crate) fn vf(device: &str, name: &str, keys: &Value) -> Value {
    with(&json!({"name": name, "type": "sriov", "deviceID": device, "l2enable": true}), keys)
}

pub(crate) fn mark(plugin: &str) -> Value {
    json!({"name": format!("net-{plugin}"), "type": plugin})
}

/// All that an attachment may leave: links of the host, records, leases, marks.
pub(crate) fn all_state() -> String {
    let leases = listing("/var/lib/cni/networks/default");
    let leases: Vec<_> = leases.into_iter().filter(|name| name.starts_with("10.")).collect();
    format!("{}marks {:?}\nleases {leases:?}\n", state(), listing(format!("{MARKER}/marks")))
}

fn interfaces(pod: &Netns) -> Vec<String> {
    let links = ip_json(Some(pod.name()), &["link", "show"]);
    let names = links.as_array().unwrap().iter().map(|l| l["ifname"].as_str().unwrap().to_owned());
    names.filter(|name| name != "lo").collect()
}

#[test]
fn the_pod_of_the_thesis_has_its_default_network_and_two_vfs() {
    let (multus, _marker, _turn) = multus();
    let (before, pod) = (all_state(), Netns::new());
    let conf = conf(&json!([
        vf(VF0, "dpdk0", &json!({"if0name": "if0"})),
        with(&bridge(), &json!({"masterplugin": true})),
        vf(VF1, "dpdk1", &json!({"if0name": "if1"}))
    ]));
    let result = multus.add(&conf, "a", "eth0", pod.path()).expect_ok();
    assert_eq!(interfaces(&pod), ["eth0", "if0", "if1"]);
    let address = &ip_json(Some(pod.name()), &["addr", "show", "eth0"])[0]["addr_info"][0]["local"];
    assert!(result["ips"][0]["address"].as_str().unwrap().starts_with(address.as_str().unwrap()));
    assert_eq!(result["cniVersion"], "1.1.0");
    multus.check(&conf, "a", "eth0", pod.path()).expect_ok();
    multus.del(&conf, "a", "eth0", pod.path()).expect_ok();
    assert!(interfaces(&pod).is_empty());
    run_away("fpbr0");
    assert_eq!(all_state(), before);
}

/// The bridge that the bridge plugin leaves.
fn run_away(bridge: &str) {
    integration::run("ip", &["link", "del", bridge]);
}

/// Multi-net-spec 2.1.
#[test]
fn npwg_01_it_is_a_cni_plugin_of_all_versions() {
    let (multus, marker, _turn) = multus();
    let versions = multus.version().expect_ok();
    for version in ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] {
        assert!(versions["supportedVersions"].as_array().unwrap().contains(&json!(version)));
    }
    let pod = Netns::new();
    let old = with(&conf(&json!([mark("one"), mark("two")])), &json!({"cniVersion": "0.3.1"}));
    let result = multus.add(&old, "a", "eth0", pod.path()).expect_ok();
    assert_eq!(
        (&result["cniVersion"], &result["interfaces"][0]["name"]),
        (&json!("0.3.1"), &json!("eth0"))
    );
    // A network without a version of its own has that of the configuration.
    assert_eq!(marker.stdin("two ADD net1")["cniVersion"], "0.3.1");
    multus.del(&old, "a", "eth0", pod.path()).expect_ok();
}

/// Multi-net-spec 6.1: pods wait until the default network is ready.
#[test]
fn npwg_24_add_waits_for_the_default_network() {
    let (multus, marker, _turn) = multus();
    let (before, pod) = (all_state(), Netns::new());
    let file = "/run/default-network-is-ready";
    let conf = with(&conf(&json!([mark("one")])), &json!({ "readinessindicatorfile": file }));
    let daemon = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_secs(1));
        assert!(marker.calls().is_empty(), "a plugin ran before the default network was ready");
        fs::write(file, "").unwrap();
    });
    multus.add(&conf, "a", "eth0", pod.path()).expect_ok();
    daemon.join().unwrap();
    fs::remove_file(file).unwrap();
    // Those that are attached are detached whatever the file says.
    multus.del(&conf, "a", "eth0", pod.path()).expect_ok();
    assert_eq!(all_state(), before);
}

/// Multi-net-spec 7.3.
#[test]
fn npwg_27_plugins_of_a_pod_never_run_at_the_same_time() {
    let (multus, _marker, _turn) = multus();
    let (before, pod) = (all_state(), Netns::new());
    let slow = |name: &str| with(&mark(name), &json!({"sleep": 0.2}));
    let conf = conf(&json!([slow("one"), slow("two"), slow("three")]));
    // The plugin itself fails while another of the same container runs.
    multus.add(&conf, "a", "eth0", pod.path()).expect_ok();
    multus.check(&conf, "a", "eth0", pod.path()).expect_ok();
    multus.del(&conf, "a", "eth0", pod.path()).expect_ok();
    assert_eq!(all_state(), before);
}

#[test]
fn npwg_23_26_the_default_network_comes_first_and_del_goes_backwards() {
    let (multus, marker, _turn) = multus();
    let (before, pod) = (all_state(), Netns::new());
    let conf = conf(&json!([mark("one"), with(&mark("two"), &json!({"masterplugin": true})),
        {"name": "list", "plugins": [{"type": "three"}, {"type": "one"}]}]));
    let result = multus.add(&conf, "a", "eth0", pod.path()).expect_ok();
    assert_eq!(result["interfaces"], json!([{"name": "eth0", "sandbox": pod.path()}]));
    assert_eq!(marker.calls(), ["two ADD eth0", "one ADD net1", "three ADD net2", "one ADD net2"]);
    // Chained within the list, and only there.
    assert_eq!(marker.stdin("one ADD net2")["prevResult"]["interfaces"][0]["name"], "net2");
    assert_eq!(marker.stdin("one ADD net1").get("prevResult"), None);
    assert_eq!(marker.stdin("two ADD eth0")["name"], "net-two");
    multus.check(&conf, "a", "eth0", pod.path()).expect_ok();
    drop(marker.calls());
    multus.del(&conf, "a", "eth0", pod.path()).expect_ok();
    assert_eq!(marker.calls(), ["one DEL net2", "three DEL net2", "one DEL net1", "two DEL eth0"]);
    assert_eq!(all_state(), before);
}

#[test]
fn npwg_26_del_tries_all_and_the_record_stays_until_all_is_done() {
    let (multus, marker, _turn) = multus();
    let (before, pod) = (all_state(), Netns::new());
    let conf = conf(&json!([mark("one"), mark("two"), mark("three")]));
    multus.add(&conf, "a", "eth0", pod.path()).expect_ok();
    drop(marker.calls());
    let fails = marker.failing("two DEL");
    let (msg, details) = multus.del(&conf, "a", "eth0", pod.path()).expect_error(123);
    assert_eq!(marker.calls(), ["three DEL net2", "two DEL net1", "one DEL eth0"]);
    assert!(msg.contains("two was told") && details.contains("net-two"), "{msg} {details}");
    assert!(all_state().contains("@a:eth0.json"));
    drop(fails);
    multus.del(&conf, "a", "eth0", pod.path()).expect_ok();
    assert_eq!(all_state(), before);
}

#[test]
fn a_failing_delegate_takes_everything_back() {
    let (multus, marker, _turn) = multus();
    let (before, pod) = (all_state(), Netns::new());
    let conf = conf(&json!([mark("one"), vf(VF0, "vf", &json!({})), mark("two"), mark("three")]));
    let fails = marker.failing("two ADD");
    let (msg, details) = multus.add(&conf, "a", "eth0", pod.path()).expect_error(123);
    for part in ["two was told to fail", "by a file", "\"two\"", "net-two", "net2"] {
        assert!(format!("{msg} {details}").contains(part), "{part}: {msg} {details}");
    }
    assert_eq!(marker.calls().iter().filter(|call| call.starts_with("three")).count(), 0);
    assert_eq!(all_state(), before);
    drop(fails);
    // What cannot be taken back is said, and kept for DEL.
    let (fails, stuck) = (marker.failing("three ADD"), marker.failing("one DEL"));
    let (_, details) = multus.add(&conf, "a", "eth0", pod.path()).expect_error(123);
    assert!(details.contains("not undone") && details.contains("one was told"), "{details}");
    drop((fails, stuck));
    assert!(all_state().contains("@a:eth0.json"));
    multus.del(&conf, "a", "eth0", "").expect_ok();
    assert_eq!(all_state(), before);
}

#[test]
fn a_missing_plugin_is_found_before_anything_is_attached() {
    let (multus, marker, _turn) = multus();
    let (before, pod) = (all_state(), Netns::new());
    let conf = conf(&json!([mark("one"), mark("nosuchplugin")]));
    let (msg, details) = multus.add(&conf, "a", "eth0", pod.path()).expect_error(7);
    assert!(
        msg.contains("nosuchplugin") && details.contains("net-nosuchplugin"),
        "{msg} {details}"
    );
    assert_eq!((marker.calls(), all_state()), (Vec::new(), before.clone()));
    // The runtime's DEL after the failed ADD must not fail for ever.
    multus.del(&conf, "a", "eth0", pod.path()).expect_ok();
    assert_eq!(all_state(), before);
}

#[test]
fn add_twice_del_twice_del_without_add_and_without_namespace() {
    let (multus, _marker, _turn) = multus();
    let (before, pod) = (all_state(), Netns::new());
    // A veth would die with the namespace, which a VF does not.
    let conf = conf(&json!([mark("one"), mark("two")]));
    multus.del(&conf, "a", "eth0", pod.path()).expect_ok();
    multus.add(&conf, "a", "eth0", pod.path()).expect_ok();
    let after = all_state();
    let (msg, _) = multus.add(&conf, "a", "eth0", pod.path()).expect_error(7);
    assert!(msg.contains("attached already"), "{msg}");
    assert_eq!(all_state(), after);
    drop(pod);
    multus.del(&conf, "a", "eth0", "").expect_ok();
    multus.del(&conf, "a", "eth0", "").expect_ok();
    assert_eq!(all_state(), before);
}

#[test]
fn check_sees_every_attachment() {
    let (multus, _marker, _turn) = multus();
    let pod = Netns::new();
    let conf = conf(&json!([mark("one"), vf(VF0, "vf", &json!({})), mark("two")]));
    multus.check(&conf, "a", "eth0", pod.path()).expect_error(7);
    multus.add(&conf, "a", "eth0", pod.path()).expect_ok();
    pod.ip(&["link", "set", "net1", "name", "lost"]);
    let (_, details) = multus.check(&conf, "a", "eth0", pod.path()).expect_error(100);
    assert!(details.contains("\"vf\" (net1)"), "{details}");
    pod.ip(&["link", "set", "lost", "name", "net1"]);
    multus.check(&conf, "a", "eth0", pod.path()).expect_ok();
    fs::remove_file(format!("{MARKER}/marks/net-two:a:net2")).unwrap();
    multus.check(&conf, "a", "eth0", pod.path()).expect_error(100);
    multus.del(&conf, "a", "eth0", pod.path()).expect_ok();
}

#[test]
fn status_asks_what_every_pod_needs() {
    let (multus, marker, _turn) = multus();
    let delegates = json!([mark("one"), mark("two")]);
    let conf = with(&conf(&delegates), &json!({"kubeconfig": "/no/such/kubeconfig"}));
    multus.status(&conf).expect_ok();
    assert_eq!(marker.calls(), ["one STATUS", "two STATUS"]);
    let fails = marker.failing("two STATUS");
    let (msg, details) = multus.status(&conf).expect_error(50);
    assert!(msg.contains("two was told") && details.contains("net-two"), "{msg} {details}");
    drop(fails);
    let missing = with(&conf, &json!({"delegates": [mark("nosuchplugin")]}));
    multus.status(&missing).expect_error(50);
    let unready = with(&conf, &json!({"readinessindicatorfile": "/run/no-such-file"}));
    let (msg, _) = multus.status(&unready).expect_error(50);
    assert!(msg.contains("/run/no-such-file"), "{msg}");
    let nowhere = with(&conf, &json!({"clusterNetwork": "/no/such/file.conflist"}));
    multus.status(&nowhere).expect_error(50);
    fs::create_dir_all("/var/lib/fastpath").unwrap();
    drop(fs::remove_dir_all("/var/lib/fastpath/multus-lite"));
    fs::write("/var/lib/fastpath/multus-lite", "").unwrap();
    let (msg, _) = multus.status(&conf).expect_error(50);
    assert!(msg.contains("/var/lib/fastpath/multus-lite"), "{msg}");
    fs::remove_file("/var/lib/fastpath/multus-lite").unwrap();
}

#[test]
fn a_damaged_record_is_said_once_and_what_can_be_known_is_freed() {
    let (multus, _marker, _turn) = multus();
    let pod = Netns::new();
    let conf = conf(&json!([mark("one"), mark("two")]));
    let before = all_state();
    for damage in ["", "{\"version\":1", "rubbish"] {
        multus.add(&conf, "a", "eth0", pod.path()).expect_ok();
        fs::write("/var/lib/fastpath/multus-lite/@a:eth0.json", damage).unwrap();
        let (msg, details) = multus.del(&conf, "a", "eth0", pod.path()).expect_error(104);
        assert!(msg.contains("a:eth0") && details.contains("GC"), "{msg} {details}");
        assert_eq!(all_state(), before, "{damage:?}");
        multus.del(&conf, "a", "eth0", pod.path()).expect_ok();
    }
}

/// A node where Multus was replaced: pods that it attached are detached from its cache.
#[test]
fn what_multus_attached_is_detached_from_its_cache() {
    let (multus, marker, _turn) = multus();
    let before = all_state();
    let conf = with(&conf(&json!([mark("one")])), &json!({"cniDir": "/var/lib/cni/multus"}));
    // {"cniVersion":"1.1.0","name":"net-one","type":"one"} and the same of two.
    let cached = json!([
        {"Conf": {}, "Bytes": "eyJjbmlWZXJzaW9uIjoiMS4xLjAiLCJuYW1lIjoibmV0LW9uZSIsInR5cGUiOiJvbmUifQ=="},
        {"Conf": {}, "ifnameRequest": "data", "Bytes": "eyJjbmlWZXJzaW9uIjoiMS4xLjAiLCJuYW1lIjoibmV0LXR3byIsInR5cGUiOiJ0d28ifQ=="}]);
    fs::create_dir_all("/var/lib/cni/multus").unwrap();
    fs::write("/var/lib/cni/multus/a", cached.to_string()).unwrap();
    for mark in ["net-one:a:eth0", "net-two:a:data"] {
        fs::write(format!("{MARKER}/marks/{mark}"), "").unwrap();
    }
    multus.del(&conf, "a", "eth0", "").expect_ok();
    assert_eq!(marker.calls(), ["two DEL data", "one DEL eth0"]);
    assert_eq!(all_state(), before);
    assert!(listing("/var/lib/cni/multus").is_empty());
    fs::write("/var/lib/cni/multus/a", &cached.to_string()[..50]).unwrap();
    let (msg, _) = multus.del(&conf, "a", "eth0", "").expect_error(104);
    assert!(msg.contains("/var/lib/cni/multus/a"), "{msg}");
    multus.del(&conf, "a", "eth0", "").expect_ok();
}
