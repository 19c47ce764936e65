//! latency-scheduler, run as its manifest says, but for the places: addresses, files, and how the API server is reached.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use integration::http::get;
use serde_json::Value;
use testkit::cni::bin_dir;
use testkit::k8s::Cluster;
use testkit::port::free_port;
use testkit::wait::eventually;

const HOUR: Duration = Duration::from_hours(1);
const SOON: Duration = Duration::from_secs(30);

/// The program; killed on drop.
pub(crate) struct Program {
    child: Child,
    args: Vec<String>,
    /// Where kube-scheduler asks.
    pub(crate) extender: String,
    /// Where the API server asks.
    pub(crate) admission: String,
    health: String,
    /// `ca.crt`, `tls.crt`, `tls.key`, `client.crt` and `client.key`.
    pub(crate) certificates: PathBuf,
    /// How the API server is reached as the account that is shipped.
    pub(crate) kubeconfig: PathBuf,
}

impl Program {
    /// Starts it with the arguments, the `ConfigMap`, the rights and a certificate of its own, and waits
    /// until it is ready.
    pub(crate) fn start(api: &Cluster, manifest: &Value) -> Self {
        let certificates = api.dir().join("latency-scheduler");
        certify(&certificates, &["127.0.0.1", "latency-scheduler.kube-system.svc"]);
        let bands = api.get(&["-n", "kube-system", "configmap", "fastpath-bands"]);
        let bands = bands["data"]["bands.yaml"].as_str().unwrap();
        fs::write(api.dir().join("bands.yaml"), bands).unwrap();

        let place = || format!("127.0.0.1:{}", free_port());
        let (extender, admission, health) = (place(), place(), place());
        let here = |arg: &str| match arg.split_once('=').unwrap() {
            ("--listen", _) => format!("--listen={extender}"),
            ("--admission", _) => format!("--admission={admission}"),
            ("--health", _) => format!("--health={health}"),
            (option, file) => {
                let (mount, name) = file.rsplit_once('/').unwrap();
                let dir = match mount {
                    "/etc/fastpath" => api.dir(),
                    "/tls" => &certificates,
                    _ => panic!("{arg}"),
                };
                format!("{option}={}", dir.join(name).display())
            }
        };
        let container = &manifest["spec"]["template"]["spec"]["containers"];
        let containers = container.as_array().unwrap();
        let container = containers.iter().find(|one| one["name"] == "latency-scheduler").unwrap();
        let mut args: Vec<String> = container["args"]
            .as_array()
            .unwrap()
            .iter()
            .map(|arg| here(arg.as_str().unwrap()))
            .collect();
        let token = api.service_account_token("kube-system", "latency-scheduler", HOUR).token;
        let kubeconfig = api.kubeconfig_for(&api.token_file("latency-scheduler", &token));
        args.push(format!("--kubeconfig={}", kubeconfig.display()));
        let child = run(&args);
        let program = Self { child, args, extender, admission, health, certificates, kubeconfig };
        program.wait_ready();
        program
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again, at the same place.
    pub(crate) fn start_again(&mut self) {
        self.child = run(&self.args);
        self.wait_ready();
    }

    fn wait_ready(&self) {
        eventually(SOON, "latency-scheduler to be ready", || {
            get(&self.health, "/readyz").is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
        });
    }

    pub(crate) fn metrics(&self) -> String {
        get(&self.health, "/metrics").unwrap()
    }

    /// How often a verb was answered well.
    pub(crate) fn answered(&self, verb: &str) -> u64 {
        let metrics = self.metrics();
        let name =
            format!("fastpath_scheduler_answer_seconds_count{{verb=\"{verb}\",outcome=\"ok\"}} ");
        let count = metrics.lines().find_map(|line| line.strip_prefix(&name));
        count.map_or(0, |count| count.parse().unwrap())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// `latency-scheduler certificate`, for these names.
#[expect(clippy::disallowed_methods, reason = "runs the program as an operator does")]
pub(crate) fn certify(dir: &Path, names: &[&str]) {
    let mut command = Command::new(bin_dir().join("latency-scheduler"));
    command.args(["certificate", "--client", "--dir"]).arg(dir);
    command.args(names.iter().flat_map(|name| ["--name", name]));
    assert!(command.status().unwrap().success());
}

#[expect(clippy::disallowed_methods, reason = "runs the program as a cluster does")]
fn run(args: &[String]) -> Child {
    Command::new(bin_dir().join("latency-scheduler")).args(args).spawn().unwrap()
}
