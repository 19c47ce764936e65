//! The control plane.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{fs, iter};

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::audit::{self, Request};
use super::pki::Pki;
use super::{access, host, programs};
use crate::daemon::Daemon;
use crate::port::free_port;

/// How long a part of it may take to come up, on a busy machine.
const READY: Duration = Duration::from_mins(2);

/// What the tests need of the controller-manager; not all that it has, so that it also works with
/// API servers newer than itself.
const CONTROLLERS: &str = "serviceaccount,serviceaccount-token,root-ca-cert-publisher,namespace,\
    garbagecollector,nodelifecycle,podgc,deployment,replicaset,daemonset,job";

/// A control plane without any state of another one; all of it goes on drop.
#[derive(Debug)]
pub struct Cluster {
    // Ended in this order.
    controllers: Mutex<Vec<Daemon>>,
    api: Mutex<Option<Daemon>>,
    etcd: Daemon,
    etcd_port: u16,
    port: u16,
    has_accounts: bool,
    pki: Pki,
    dir: TempDir,
}

impl Cluster {
    /// Starts etcd and an API server, and waits until it is ready. Pods need no service account and
    /// get none; nobody schedules them, and a namespace that is deleted stays.
    #[must_use]
    pub fn start() -> Self {
        Self::with_api(false)
    }

    /// The same with controller-manager and scheduler: what a [`Node`](super::Node) needs.
    #[must_use]
    pub fn with_controllers() -> Self {
        let cluster = Self::with_api(true);
        cluster.start_controller_manager();
        cluster.start_scheduler(&json!({}));
        // Made by controller-manager, and wanted by the first pod.
        cluster.kubectl(&["wait", "--for=create", "--timeout=60s", "serviceaccount/default"]);
        cluster
    }

    fn with_api(has_accounts: bool) -> Self {
        let dir = host::scratch();
        let pki = Pki::make(dir.path().join("pki"));
        access::write_users(dir.path());
        write(&dir.path().join("audit-policy.json"), &audit::policy());
        let etcd_port = free_port();
        let etcd = start_etcd(dir.path(), etcd_port);
        let cluster = Self {
            controllers: Mutex::default(),
            api: Mutex::default(),
            etcd,
            etcd_port,
            port: free_port(),
            has_accounts,
            pki,
            dir,
        };
        cluster.start_api();
        cluster
    }

    /// Starts the API server, on the same port and with what it knew, and waits until it is ready.
    pub fn start_api(&self) {
        let mut api = self.api();
        assert!(api.is_none(), "the API server runs already");
        let mut daemon =
            programs::start(&programs::server("kube-apiserver"), self.dir(), self.api_args());
        daemon.wait_for(READY, "readyz of the API server", || {
            let listens = TcpStream::connect(("127.0.0.1", self.port)).is_ok();
            listens && self.try_kubectl(&["get", "--raw", "/readyz"]).is_ok()
        });
        *api = Some(daemon);
    }

    /// Stops the API server: connections are refused.
    pub fn stop_api(&self) {
        // It would wait for its watchers to leave.
        let mut api = self.api();
        api.as_mut().expect("the API server runs").kill();
        *api = None;
    }

    /// Suspends the API server: connections are accepted by the kernel, and nobody answers.
    pub fn pause_api(&self) {
        self.api().as_ref().expect("the API server runs").signal(Signal::SIGSTOP);
    }

    /// Lets the API server go on.
    pub fn resume_api(&self) {
        self.api().as_ref().expect("the API server runs").signal(Signal::SIGCONT);
    }

    /// Starts a scheduler, in place of one that runs. `config` is a `KubeSchedulerConfiguration`, or parts of it;
    /// what it does not say is as these tests need it.
    pub fn start_scheduler(&self, config: &Value) {
        let kubeconfig = self.user_kubeconfig("system:kube-scheduler");
        // The port without TLS, which is else the same for all schedulers.
        let insecure = format!("127.0.0.1:{}", free_port());
        let mut all = json!({
            "leaderElection": {"leaderElect": false}, "clientConnection": {},
            "healthzBindAddress": insecure, "metricsBindAddress": insecure,
        });
        for (key, value) in config.as_object().into_iter().flatten() {
            all[key] = value.clone();
        }
        // Of the version that it is, which differs from newer ones in nothing that is used here.
        all["apiVersion"] = json!("kubescheduler.config.k8s.io/v1beta1");
        all["kind"] = json!("KubeSchedulerConfiguration");
        let connection = &mut all["clientConnection"]["kubeconfig"];
        if connection.is_null() {
            *connection = json!(kubeconfig);
        }
        let config = self.dir().join("scheduler.json");
        write(&config, &all);
        let args = iter::once(format!("--config={}", config.display()))
            .chain(Self::component_args(&kubeconfig));
        self.start_component("kube-scheduler", args);
    }

    /// Kills the scheduler.
    pub fn stop_scheduler(&self) {
        let mut controllers = self.controllers.lock().unwrap_or_else(PoisonError::into_inner);
        for daemon in controllers.iter_mut().filter(|daemon| daemon.is("kube-scheduler")) {
            daemon.kill();
        }
        controllers.retain(|daemon| !daemon.is("kube-scheduler"));
    }

    fn start_controller_manager(&self) {
        let kubeconfig = self.user_kubeconfig("system:kube-controller-manager");
        let args = [
            format!("--kubeconfig={}", kubeconfig.display()),
            format!("--controllers={CONTROLLERS}"),
            format!("--service-account-private-key-file={}", self.pki("accounts.key")),
            format!("--root-ca-file={}", self.pki("ca.crt")),
            "--leader-elect=false".into(),
            "--use-service-account-credentials=true".into(),
        ];
        let args = args.into_iter().chain(Self::component_args(&kubeconfig));
        self.start_component("kube-controller-manager", args);
    }

    fn start_component(&self, name: &str, args: impl Iterator<Item = String>) {
        let program = programs::program(name);
        let mut controllers = self.controllers.lock().unwrap_or_else(PoisonError::into_inner);
        controllers.retain(|daemon| !daemon.is(name));
        controllers.push(programs::start(&program, self.dir(), args));
    }

    /// What scheduler and controller-manager have in common.
    fn component_args(kubeconfig: &Path) -> [String; 5] {
        [
            format!("--authentication-kubeconfig={}", kubeconfig.display()),
            format!("--authorization-kubeconfig={}", kubeconfig.display()),
            "--bind-address=127.0.0.1".into(),
            format!("--secure-port={}", free_port()),
            // The port without TLS.
            "--port=0".into(),
        ]
    }

    fn api_args(&self) -> Vec<String> {
        // Without controller-manager nobody makes the ServiceAccounts that pods need, nor takes away
        // the taint of a new node.
        let disabled = if self.has_accounts {
            "TaintNodesByCondition"
        } else {
            "TaintNodesByCondition,ServiceAccount"
        };
        let file = |name: &str| self.dir().join(name).display().to_string();
        vec![
            format!("--etcd-servers=http://127.0.0.1:{}", self.etcd_port),
            "--bind-address=127.0.0.1".into(),
            "--advertise-address=127.0.0.1".into(),
            format!("--secure-port={}", self.port),
            format!("--tls-cert-file={}", self.pki("server.crt")),
            format!("--tls-private-key-file={}", self.pki("server.key")),
            format!("--client-ca-file={}", self.pki("ca.crt")),
            format!("--token-auth-file={}", file(access::USERS)),
            "--authorization-mode=Node,RBAC".into(),
            format!("--disable-admission-plugins={disabled}"),
            "--endpoint-reconciler-type=none".into(),
            "--allow-privileged=true".into(),
            "--service-account-issuer=https://kubernetes.default.svc".into(),
            format!("--service-account-key-file={}", self.pki("accounts.pub")),
            format!("--service-account-signing-key-file={}", self.pki("accounts.key")),
            format!("--kubelet-client-certificate={}", self.pki("client.crt")),
            format!("--kubelet-client-key={}", self.pki("client.key")),
            "--kubelet-preferred-address-types=InternalIP".into(),
            "--service-cluster-ip-range=10.96.0.0/16".into(),
            format!("--audit-policy-file={}", file("audit-policy.json")),
            format!("--audit-log-path={}", file("audit.log")),
            // A request is in the log before it is answered.
            "--audit-log-mode=blocking-strict".into(),
        ]
    }

    /// What the API server was asked so far, the polling of its readiness and the work of kubelet and
    /// controllers included: count by `user`.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.requests_since(0)
    }

    /// The same from a moment on, which is how long the log was: [`audited`](Self::audited).
    #[must_use]
    pub fn requests_since(&self, audited: usize) -> Vec<Request> {
        audit::read(&self.dir().join("audit.log"), audited)
    }

    /// How long the log of requests is, bytes.
    #[must_use]
    pub fn audited(&self) -> usize {
        let log = fs::metadata(self.dir().join("audit.log"));
        log.map_or(0, |log| usize::try_from(log.len()).unwrap())
    }

    /// The API server's address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// The certificate that the API server's is to be checked against.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.pki.path("ca.crt")
    }

    /// The directory with everything of this cluster, `kube-apiserver.log` and so on among it.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The last lines of the logs, for the report of a failure.
    pub(super) fn tails(&self) -> String {
        let api = self.api();
        let controllers = self.controllers.lock().unwrap_or_else(PoisonError::into_inner);
        iter::once(&self.etcd).chain(&*api).chain(&*controllers).map(Daemon::tail).collect()
    }

    fn api(&self) -> MutexGuard<'_, Option<Daemon>> {
        self.api.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pki(&self, file: &str) -> String {
        self.pki.path(file).display().to_string()
    }
}

fn start_etcd(dir: &Path, port: u16) -> Daemon {
    let [client, peer] = [port, free_port()].map(|port| format!("http://127.0.0.1:{port}"));
    let args = [
        format!("--data-dir={}", dir.join("etcd").display()),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=default={peer}"),
        "--unsafe-no-fsync".into(),
    ];
    programs::start(&programs::server("etcd"), dir, args)
}

/// Writes a file of JSON, which all of Kubernetes reads where it expects YAML.
pub(super) fn write(file: &Path, content: &Value) {
    fs::write(file, content.to_string()).unwrap();
}
