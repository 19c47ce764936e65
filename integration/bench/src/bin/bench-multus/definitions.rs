//! A real API server with the definitions of two networks, and a pod that names both.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use bench::table::Spread;
use serde_json::{Value, json};
use testkit::k8s::{Cluster, busybox_pod};
use testkit::wait::eventually;

use crate::bed::Bed;
use crate::contender::Contender;
use crate::scenario::{Scenario, conf, network};

const NAMESPACE: &str = "default";
const POD: &str = "bench";
/// Namespace of the service accounts, that of the manifest.
const ACCOUNTS: &str = "kube-system";
/// The default network, which is in the configuration, and two that the pod names.
const NETWORKS: usize = 3;
const LIFETIME: Duration = Duration::from_hours(1);
const SOON: Duration = Duration::from_mins(1);

/// The API server. Its store is in memory: what a commit costs there is not the node's to pay.
pub(crate) struct Api {
    cluster: Cluster,
    uid: String,
    /// How each contender gets in, as a user of its own.
    kubeconfigs: Vec<PathBuf>,
}

impl Api {
    /// Starts it; `manifests` are those that a cluster gets with multus-lite.
    pub(crate) fn start(manifests: &Path, contenders: &[Contender]) -> Self {
        eprintln!("starting an API server");
        let cluster = Cluster::start();
        for file in ["crd.yaml", "multus-lite-rbac.yaml"] {
            cluster.apply_file(&manifests.join(file));
        }
        let kind = "network-attachment-definitions.k8s.cni.cncf.io";
        eventually(SOON, "the kind to be known", || cluster.try_kubectl(&["get", kind]).is_ok());
        for index in 1..NETWORKS {
            cluster.apply(&definition(index));
        }
        let names: Vec<_> = (1..NETWORKS).map(|index| format!("net{index}")).collect();
        let annotations = json!({"k8s.v1.cni.cncf.io/networks": names.join(",")});
        cluster.apply(&busybox_pod(NAMESPACE, POD, &annotations));
        let uid = cluster.get(&["pod", POD])["metadata"]["uid"].as_str().unwrap_or_default().into();
        let kubeconfigs = (0..contenders.len()).map(|index| let_in(&cluster, index)).collect();
        Self { cluster, uid, kubeconfigs }
    }

    /// Two definitions and the default network.
    pub(crate) fn scenario(&self, contenders: &[Contender], bed: &Bed) -> Scenario {
        let base = conf(&[network(0)], &bed.plugins);
        let with_access = |kubeconfig: &PathBuf| {
            let mut conf = base.clone();
            conf["kubeconfig"] = json!(kubeconfig);
            conf.to_string()
        };
        debug_assert_eq!(self.kubeconfigs.len(), contenders.len());
        let confs = self.kubeconfigs.iter().map(with_access).collect();
        let args = format!(
            "IgnoreUnknown=1;K8S_POD_NAMESPACE={NAMESPACE};K8S_POD_NAME={POD};K8S_POD_UID={}",
            self.uid
        );
        Scenario::new("2 definitions".to_owned(), NETWORKS, confs, args, bed)
    }

    /// How often a contender has asked so far.
    pub(crate) fn requests(&self, contender: usize) -> usize {
        let user = user(&account(contender));
        self.cluster.requests().iter().filter(|request| request.user == user).count()
    }

    /// How long the API server itself was busy with all questions of one ADD, in milliseconds.
    pub(crate) fn own_time(&self, contender: usize, adds: usize) -> Result<f64> {
        let log = self.cluster.dir().join("audit.log");
        let log = fs::read_to_string(&log).with_context(|| format!("read {}", log.display()))?;
        let user = user(&account(contender));
        Ok(times(&log, &user).into_values().map(|times| of_one(times, adds)).sum())
    }
}

/// By question, the times in which a user was answered, in milliseconds.
fn times(log: &str, user: &str) -> BTreeMap<(String, String), Vec<f64>> {
    let mut times: BTreeMap<_, Vec<f64>> = BTreeMap::new();
    for event in log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        if event["stage"] != "ResponseComplete" || event["user"]["username"] != user {
            continue;
        }
        let text = |key: &str| event[key].as_str().unwrap_or_default();
        let ends = [text("requestReceivedTimestamp"), text("stageTimestamp")].map(time_of_day);
        if let [Some(start), Some(end)] = ends {
            let question = (text("verb").to_owned(), text("requestURI").to_owned());
            // It may be midnight in between.
            times.entry(question).or_default().push((end - start).rem_euclid(86400.0) * 1e3);
        }
    }
    times
}

/// The usual time, as often as one ADD asks this.
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn of_one(times: Vec<f64>, adds: usize) -> f64 {
    let often = times.len() as f64 / adds as f64;
    Spread::of(times).median * often
}

/// Seconds since midnight, of `2006-01-02T15:04:05.000000Z`.
fn time_of_day(timestamp: &str) -> Option<f64> {
    let (_, time) = timestamp.trim_end_matches('Z').split_once('T')?;
    time.split(':').try_fold(0.0, |sum, part| Some(sum * 60.0 + part.parse::<f64>().ok()?))
}

fn definition(index: usize) -> Value {
    json!({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
           "metadata": {"name": format!("net{index}"), "namespace": NAMESPACE},
           "spec": {"config": network(index).to_string()}})
}

/// The service account of a contender; ours is in its manifest.
fn account(contender: usize) -> String {
    if contender == 0 { "multus-lite".to_owned() } else { format!("other-{contender}") }
}

fn user(account: &str) -> String {
    format!("system:serviceaccount:{ACCOUNTS}:{account}")
}

/// A kubeconfig with a token of the contender's account.
fn let_in(cluster: &Cluster, contender: usize) -> PathBuf {
    let account = account(contender);
    if contender > 0 {
        // What another one needs is not known here.
        let whom = format!("--serviceaccount={ACCOUNTS}:{account}");
        cluster.kubectl(&["-n", ACCOUNTS, "create", "serviceaccount", &account]);
        let all = "--clusterrole=cluster-admin";
        cluster.kubectl(&["create", "clusterrolebinding", &account, all, &whom]);
    }
    let user = user(&account);
    let may = ["auth", "can-i", "patch", "pods", "--subresource=status", "--as", &user];
    eventually(SOON, "the role to count", || cluster.try_kubectl(&may).is_ok());
    let token = cluster.service_account_token(ACCOUNTS, &account, LIFETIME);
    cluster.kubeconfig_for(&cluster.token_file(&account, &token.token))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(user: &str, verb: &str, stage: &str, end: &str) -> String {
        let day = "2026-01-01T";
        json!({"verb": verb, "requestURI": "/api", "stage": stage, "user": {"username": user},
               "requestReceivedTimestamp": format!("{day}23:59:59.999000Z"),
               "stageTimestamp": format!("{day}{end}Z")})
        .to_string()
    }

    #[test]
    fn the_time_of_one_add_is_that_of_its_questions() {
        let log = [
            event("me", "get", "RequestReceived", "23:59:59.999000"),
            event("me", "get", "ResponseComplete", "00:00:00.001000"),
            event("me", "get", "ResponseComplete", "00:00:00.001000"),
            event("me", "patch", "ResponseComplete", "23:59:59.999500"),
            event("you", "patch", "ResponseComplete", "00:01:00.000000"),
            "half a li".to_owned(),
        ];
        let sum: f64 = times(&log.join("\n"), "me").into_values().map(|t| of_one(t, 1)).sum();
        assert!((sum - 4.5).abs() < 1e-6, "{sum}");
    }
}
