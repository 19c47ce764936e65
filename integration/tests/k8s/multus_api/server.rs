//! Without an API server that answers, or with one that does not know the kind: what goes on, what
//! does not. These stop their server, so it is another one.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use integration::marker::Marker;
use integration::{nothing_valid, with};
use serde_json::{Value, json};
use testkit::cni::Plugin;
use testkit::k8s::{Cluster, busybox_pod};
use testkit::netns::Netns;

use super::scene::{NETWORKS, mark, repository};
use crate::bed;

/// A cluster of its own with the rights of multus-lite, but not the kind.
struct Own {
    api: Cluster,
    marker: Marker,
    kubeconfig: PathBuf,
}

impl Own {
    fn new(name: &str) -> Self {
        let api = bed::own_api();
        api.apply_file(&repository("deploy/multus-lite-rbac.yaml"));
        let hour = Duration::from_hours(1);
        let token = api.service_account_token("kube-system", "multus-lite", hour);
        let kubeconfig = api.kubeconfig_for(&api.token_file("multus-lite", &token.token));
        let marker = Marker::install(format!("/run/scenes/{name}"), &["one", "two"]);
        Self { api, marker, kubeconfig }
    }

    fn conf(&self, keys: &Value) -> Value {
        let default = with(&mark("one"), &json!({"name": "own-default"}));
        let base = json!({"cniVersion": "1.1.0", "name": "own-api", "type": "multus-lite",
                          "kubeconfig": self.kubeconfig, "delegates": [default]});
        with(&base, keys)
    }

    fn plugin(&self, pod: &str) -> Plugin {
        let path = self.marker.dir().join("bin").display().to_string();
        let args = format!("IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME={pod}");
        Plugin::new("multus-lite").path(&path).args(&args)
    }
}

#[test]
fn an_api_server_is_for_add_alone() {
    let own = Own::new("down");
    own.api.apply(&busybox_pod("default", "pod", &json!({})));
    let (multus, netns, other) = (own.plugin("pod"), Netns::new(), Netns::new());
    let conf = own.conf(&json!({}));
    multus.add(&conf, "down-1", "eth0", netns.path()).expect_ok();
    multus.add(&conf, "down-2", "eth0", other.path()).expect_ok();
    own.api.stop_api();
    let start = Instant::now();
    multus.status(&conf).expect_ok();
    multus.check(&conf, "down-1", "eth0", netns.path()).expect_ok();
    let valid = json!({"cni.dev/valid-attachments": [{"containerID": "down-1", "ifname": "eth0"}]});
    multus.gc(&with(&conf, &valid)).expect_ok();
    assert_eq!(own.marker.marks(), ["own-default:down-1:eth0"]);
    multus.del(&conf, "down-1", "eth0", netns.path()).expect_ok();
    multus.gc(&nothing_valid(&conf)).expect_ok();
    let (msg, details) = multus.add(&conf, "down-3", "eth0", netns.path()).expect_error(11);
    assert!(msg.contains("get pod default/pod") && details.contains("refused"), "{msg}: {details}");
    // Nobody waited for anything.
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert_eq!(own.marker.marks(), [""; 0]);
    own.api.start_api();
    multus.add(&conf, "down-3", "eth0", netns.path()).expect_ok();
    // One that does not answer is no matter of theirs, either.
    own.api.pause_api();
    multus.status(&conf).expect_ok();
    multus.check(&conf, "down-3", "eth0", netns.path()).expect_ok();
    multus.del(&conf, "down-3", "eth0", netns.path()).expect_ok();
    own.api.resume_api();
}

#[test]
fn a_cluster_that_does_not_know_the_kind() {
    let own = Own::new("nokind");
    let pods = [("plain", json!({})), ("asks", json!({NETWORKS: "a"}))];
    for (name, annotations) in pods {
        own.api.apply(&busybox_pod("default", name, &annotations));
    }
    let netns = Netns::new();
    // Who needs no definitions is not bothered.
    let (plain, conf) = (own.plugin("plain"), own.conf(&json!({})));
    plain.add(&conf, "nokind-1", "eth0", netns.path()).expect_ok();
    plain.del(&conf, "nokind-1", "eth0", netns.path()).expect_ok();
    let asks = own.plugin("asks");
    let output = asks.add(&conf, "nokind-2", "eth0", netns.path());
    let (msg, details) = output.expect_error(11);
    assert!(msg.contains("default/a") && details.contains("deploy/crd.yaml"), "{msg}: {details}");
    assert_eq!(own.marker.marks(), [""; 0]);
    // Nor is a network that is on the node's disk.
    let dir = own.marker.dir().join("net.d");
    fs::create_dir_all(&dir).unwrap();
    let network = with(&mark("two"), &json!({"name": "own-disk"}));
    fs::write(dir.join("10.conf"), network.to_string()).unwrap();
    let keys = json!({"clusterNetwork": dir.join("10.conf"), "confDir": dir});
    let by_file = own.conf(&keys);
    plain.add(&by_file, "nokind-3", "eth0", netns.path()).expect_ok();
    plain.del(&by_file, "nokind-3", "eth0", netns.path()).expect_ok();
    let by_name = with(&by_file, &json!({"clusterNetwork": "own-disk"}));
    plain.add(&by_name, "nokind-4", "eth0", netns.path()).expect_ok();
    plain.del(&by_name, "nokind-4", "eth0", netns.path()).expect_ok();
    assert_eq!(own.marker.marks(), [""; 0]);
}

/// A token as a service account has it, valid from `from` to `to` seconds from now.
fn token(from: i64, to: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let now = i64::try_from(now).unwrap();
    let claims = json!({"iat": now + from, "exp": now + to}).to_string();
    format!("e30.{}.c2lnbmF0dXJl", base64url(claims.as_bytes()))
}

fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let of_three = |three: &[u8]| {
        let byte = |index: usize| u32::from(three.get(index).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        let letters = [18, 12, 6, 0].map(|shift| ALPHABET[(word >> shift & 63) as usize] as char);
        letters.into_iter().take(three.len() + 1).collect::<String>()
    };
    bytes.chunks(3).map(of_three).collect()
}

#[test]
fn a_token_near_its_end_is_a_warning_and_no_more() {
    let api = bed::api();
    let marker = Marker::install("/run/scenes/token", &["one"]);
    let default = with(&mark("one"), &json!({"name": "token-default"}));
    let path = marker.dir().join("bin").display().to_string();
    let multus = Plugin::new("multus-lite").path(&path);
    for (name, text, warning) in [
        ("fresh", token(-60, 3600), None),
        ("ending", token(-3000, 600), Some("expires in")),
        ("over", token(-7200, -3600), Some("expired")),
        ("opaque", "token-of-nobody".into(), None),
    ] {
        let file = api.token_file(&format!("life-{name}"), &text);
        let conf = json!({"cniVersion": "1.1.0", "name": "token", "type": "multus-lite",
                          "kubeconfig": api.kubeconfig_for(&file), "delegates": [default]});
        let output = multus.status(&conf);
        output.expect_ok();
        let said = warning.is_none_or(|warning| output.stderr.contains(warning));
        assert!(said && output.stderr.contains("warn") == warning.is_some(), "{name}: {output}");
        assert!(!output.stderr.contains(&text), "{output}");
        assert_eq!(
            output.stderr.contains(&file.display().to_string()),
            warning.is_some(),
            "{output}"
        );
    }
}
