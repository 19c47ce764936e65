//! The northbound database: restarted while it is waited for, gone, reached by TLS, served by a cluster.

use std::thread;
use std::time::Duration;

use integration::{examples, listing, nothing_valid, with};
use serde_json::{Value, json};
use testkit::authority::{self, Files};
use testkit::cni::Output;
use testkit::netns::Netns;
use testkit::ovn::Ovn;
use testkit::wait::eventually;

use super::scene::{RECORDS, Scene, address, pings};

/// Ten times what anything of it takes.
const SOON: Duration = Duration::from_secs(20);

/// ADD of each pod on the first chassis. With `ovn-northd` stopped they wait for their addresses, and then
/// something happens.
fn add_while<const N: usize>(
    scene: &mut Scene,
    pods: &[Netns; N],
    happens: impl FnOnce(&mut Ovn),
) -> [Output; N] {
    scene.ovn.stop_northd();
    let (plugin, conf) = (scene.plugin(0), scene.conf(0, &json!({"dynamic": true})));
    thread::scope(|scope| {
        let adds = pods.each_ref().map(|pod| {
            let (plugin, conf) = (&plugin, &conf);
            scope.spawn(move || plugin.add(conf, pod.name(), "net1", pod.path()))
        });
        eventually(SOON, "the logical ports", || scene.ovn.ports("blue").len() == N);
        happens(&mut scene.ovn);
        adds.map(|add| add.join().unwrap())
    })
}

#[test]
fn an_add_outlives_a_restart_of_the_database() {
    let mut scene = Scene::new();
    let (before, pods) = (scene.state(), [Netns::new()]);
    let [added] = add_while(&mut scene, &pods, |ovn| {
        ovn.stop_nb();
        ovn.start_nb();
        ovn.start_northd();
    });
    assert!(address(&added.expect_ok()).starts_with("10.10.0."));
    assert_eq!((scene.ovn.ports("blue").len(), scene.chassis[0].ports().len()), (1, 1));
    scene.del(0, pods[0].name(), pods[0].path()).expect_ok();
    assert_eq!(scene.state(), before);
}

#[test]
fn an_add_outlives_the_leader_of_a_cluster() {
    let mut scene = Scene::with_cluster();
    let (before, pods) = (scene.state(), [Netns::new()]);
    let [added] = add_while(&mut scene, &pods, |ovn| {
        let leader = ovn.nb_leader();
        ovn.kill_nb_server(&leader);
        assert_ne!(ovn.nb_leader(), leader);
        ovn.start_northd();
    });
    assert!(address(&added.expect_ok()).starts_with("10.10.0."));
    assert_eq!((scene.ovn.ports("blue").len(), scene.chassis[0].ports().len()), (1, 1));
    scene.del(0, pods[0].name(), pods[0].path()).expect_ok();
    assert_eq!(scene.state(), before);
}

#[test]
fn what_an_add_left_in_a_database_that_died_goes_by_del_or_gc() {
    let mut scene = Scene::new();
    let (before, pods) = (scene.state(), [Netns::new(), Netns::new()]);
    for failed in add_while(&mut scene, &pods, Ovn::stop_nb) {
        let (msg, details) = failed.expect_error(11);
        assert!(format!("{msg} {details}").contains("nb.sock"), "{msg}: {details}");
    }
    scene.ovn.start_nb();
    assert_eq!((scene.ovn.ports("blue").len(), listing(RECORDS).len()), (2, 2));
    scene.del(0, pods[0].name(), pods[0].path()).expect_ok();
    assert_eq!((scene.ovn.ports("blue").len(), listing(RECORDS).len()), (1, 1));
    scene.plugin(0).gc(&nothing_valid(&scene.conf(0, &json!({})))).expect_ok();
    assert_eq!(scene.state(), before);
}

#[test]
fn by_tls_both_sides_have_to_believe_each_other() {
    let mut scene = Scene::new();
    let (dir, pod) = (tempfile::tempdir().unwrap(), Netns::new());
    let [ours, strangers] = ["ours", "strangers"].map(|name| authority::make(dir.path(), name));
    let nb = scene.ovn.serve_nb_by_tls(&scene.chassis[0], &ours);
    let before = scene.state();
    let keys = |own: &Files, believed: &Files| {
        json!({"nb": nb, "dynamic": true, "tls": {"key": own.key, "certificate": own.certificate,
            "authority": believed.authority}})
    };
    for (own, believed) in [(&strangers, &ours), (&ours, &strangers)] {
        let refused = scene.add(0, "pod", &pod, &keys(own, believed));
        let (msg, details) = refused.expect_error(7);
        let said = format!("{msg}: {details}");
        assert!(said.contains(&nb) && said.contains("\"tls\""), "{said}");
        assert_eq!(scene.state(), before);
    }
    scene.add(0, "pod", &pod, &keys(&ours, &ours)).expect_ok();
    assert_eq!((scene.ovn.ports("blue").len(), scene.chassis[0].ports().len()), (1, 1));
    // By what is in the record.
    scene.del(0, "pod", pod.path()).expect_ok();
    assert_eq!(scene.state(), before);
}

/// As the example of Kubernetes has it, but for the addresses.
#[test]
fn of_a_cluster_the_leader_is_found_whoever_that_is() {
    let mut scene = Scene::with_cluster();
    let before = scene.state();
    let pods = [Netns::new(), Netns::new()];
    let attach = |scene: &Scene, n: usize, keys: &Value| {
        let example = examples::read_definition("ovn/nad-overlay.yaml");
        assert_eq!(example["nb"].as_array().unwrap().len(), scene.ovn.nb_servers().len());
        let conf = with(&scene.here(n, &example), keys);
        let name = format!("pod{n}");
        scene.plugin(n).add(&conf, &name, "net1", pods[n].path()).expect_ok()
    };
    let mut servers = scene.ovn.nb_servers();
    for _ in 0..3 {
        servers.rotate_left(1);
        attach(&scene, 0, &json!({"nb": servers}));
        scene.del(0, "pod0", pods[0].path()).expect_ok();
    }
    let asked = json!({"runtimeConfig": {"ips": ["10.10.0.77/24"], "mac": "02:0a:00:00:00:77"}});
    attach(&scene, 0, &asked);

    let leader = scene.ovn.nb_leader();
    scene.ovn.kill_nb_server(&leader);
    assert_ne!(scene.ovn.nb_leader(), leader);
    // Northd takes up to 8 s between its tries to find the new leader, nearly as long as ADD waits for it.
    scene.ovn.nbctl(&["--wait=sb", "sync"]);
    attach(&scene, 1, &json!({}));
    assert!(pings(&pods[1], "10.10.0.77", 5));
    for n in [0, 1] {
        scene.del(n, &format!("pod{n}"), pods[n].path()).expect_ok();
    }
    assert_eq!(scene.state(), before);
}
