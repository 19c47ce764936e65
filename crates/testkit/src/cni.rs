//! Running a CNI plugin as a container runtime does: by its environment and standard input.

#![expect(clippy::disallowed_methods, reason = "tests run the plugins they test")]

use std::env;
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::kill::Victim;
use crate::netns::Netns;
use crate::process::Pipes;

/// A plugin's executable and what every call of it is given.
#[derive(Debug, Clone)]
pub struct Plugin {
    program: PathBuf,
    path: String,
    args: String,
    env: Vec<(String, String)>,
    /// The namespace of another host.
    host: Option<String>,
    deadline: Duration,
}

/// What a call came to.
#[derive(Debug, Clone)]
pub struct Output {
    /// The exit code; -1 when a signal ended it.
    pub code: i32,
    /// What it printed on stdout, when that is JSON.
    pub json: Option<Value>,
    /// What it printed on stdout.
    pub stdout: String,
    /// What it printed on stderr.
    pub stderr: String,
}

/// The directory of the executables under test: `$FASTPATH_BIN_DIR`.
#[must_use]
pub fn bin_dir() -> PathBuf {
    let Some(dir) = env::var_os("FASTPATH_BIN_DIR").map(PathBuf::from) else {
        panic!("FASTPATH_BIN_DIR is not set: it names the directory of the plugins to test");
    };
    // A relative one would mean something else to a plugin that changes directories.
    dir.canonicalize().unwrap_or_else(|error| panic!("FASTPATH_BIN_DIR={}: {error}", dir.display()))
}

impl Plugin {
    /// The plugin of this type in `$FASTPATH_BIN_DIR`, which is its `CNI_PATH` too.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let dir = bin_dir();
        let program = dir.join(name);
        assert!(program.exists(), "no plugin {}: make build", program.display());
        Self {
            program,
            path: dir.display().to_string(),
            args: String::new(),
            env: Vec::new(),
            host: None,
            deadline: Duration::from_mins(1),
        }
    }

    /// Sets `CNI_ARGS`.
    #[must_use]
    pub fn args(mut self, args: &str) -> Self {
        self.args = args.into();
        self
    }

    /// Calls it inside a network namespace, as on another host.
    #[must_use]
    pub fn inside(mut self, netns: &Netns) -> Self {
        self.host = Some(netns.path().to_owned());
        self
    }

    /// Sets one more environment variable; one of ours is replaced.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Adds a directory to `CNI_PATH`, for delegates.
    #[must_use]
    pub fn path(mut self, dir: &str) -> Self {
        self.path = format!("{}:{dir}", self.path);
        self
    }

    /// How long a call may take before it is killed and the test fails; a minute if not set.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// ADD.
    #[must_use]
    pub fn add(&self, conf: &Value, container: &str, ifname: &str, netns: &str) -> Output {
        run(&self.victim("ADD", conf, container, ifname, netns))
    }

    /// DEL; `netns` may be "", as after the sandbox has died.
    #[must_use]
    pub fn del(&self, conf: &Value, container: &str, ifname: &str, netns: &str) -> Output {
        run(&self.victim("DEL", conf, container, ifname, netns))
    }

    /// CHECK; the result of ADD is `prevResult` in the configuration.
    #[must_use]
    pub fn check(&self, conf: &Value, container: &str, ifname: &str, netns: &str) -> Output {
        run(&self.victim("CHECK", conf, container, ifname, netns))
    }

    /// GC; what is still in use is `cni.dev/valid-attachments` in the configuration.
    #[must_use]
    pub fn gc(&self, conf: &Value) -> Output {
        run(&self.victim("GC", conf, "", "", ""))
    }

    /// STATUS.
    #[must_use]
    pub fn status(&self, conf: &Value) -> Output {
        run(&self.victim("STATUS", conf, "", "", ""))
    }

    /// VERSION.
    #[must_use]
    pub fn version(&self) -> Output {
        run(&self.victim("VERSION", &json!({"cniVersion": "1.1.0"}), "", "", ""))
    }

    /// A call not yet made: for [`run`], perhaps with another input, or for the kill harness.
    ///
    /// As with libcni, all six variables are always set, empty where they mean nothing.
    #[must_use]
    pub fn victim(
        &self,
        command: &str,
        conf: &Value,
        container: &str,
        ifname: &str,
        netns: &str,
    ) -> Victim {
        let ours = [
            ("CNI_COMMAND", command),
            ("CNI_CONTAINERID", container),
            ("CNI_NETNS", netns),
            ("CNI_IFNAME", ifname),
            ("CNI_ARGS", &self.args),
            ("CNI_PATH", &self.path),
            ("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
        ];
        let own = self.env.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let mut victim = match &self.host {
            None => Victim::new(&self.program),
            Some(netns) => {
                let mut victim = Victim::new(Path::new("/usr/bin/nsenter"));
                victim.args = vec![format!("--net={netns}").into(), self.program.clone().into()];
                victim
            }
        };
        // The later one of two wins.
        victim.env = ours.into_iter().chain(own).map(|(n, v)| (n.into(), v.into())).collect();
        victim.stdin = conf.to_string().into_bytes();
        victim.deadline = self.deadline;
        victim
    }
}

/// Makes a call, unharmed and untraced. Panics when it passes its deadline.
#[must_use]
pub fn run(call: &Victim) -> Output {
    let mut command = Command::new(&call.program);
    command.args(&call.args).env_clear().envs(call.env.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = loop {
        match command.spawn() {
            Ok(child) => break child,
            // Another thread of the test forked while it was writing this very file.
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => {
                sleep(Duration::from_millis(5));
            }
            Err(error) => panic!("{}: {error}", call.program.display()),
        }
    };
    let pipes = Pipes::of(&mut child, call.stdin.clone());
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > call.deadline {
            child.kill().unwrap();
            child.wait().unwrap();
            let stderr = pipes.collect().1;
            let stderr = String::from_utf8_lossy(&stderr);
            panic!("{} hung {:?}: {stderr}", call.program.display(), call.deadline);
        }
        sleep(Duration::from_millis(1));
    };
    let (stdout, stderr) = pipes.collect();
    Output {
        code: status.code().unwrap_or(-1),
        json: serde_json::from_slice(&stdout).ok(),
        stdout: String::from_utf8_lossy(&stdout).into_owned(),
        stderr: String::from_utf8_lossy(&stderr).into_owned(),
    }
}

impl Output {
    /// The result of a call that must have succeeded; null when it printed nothing, as DEL does.
    #[track_caller]
    pub fn expect_ok(&self) -> Value {
        assert!(self.code == 0, "should have succeeded: {self}");
        assert!(self.stdout.is_empty() || self.json.is_some(), "printed no JSON: {self}");
        self.json.clone().unwrap_or_default()
    }

    /// `msg` and `details` of a call that must have failed with this code.
    #[track_caller]
    pub fn expect_error(&self, code: u64) -> (String, String) {
        assert!(self.code != 0, "should have failed with code {code}: {self}");
        let error = self.json.clone().unwrap_or_default();
        assert!(error["code"] == code, "should have failed with code {code}: {self}");
        assert!(error["cniVersion"].is_string(), "an error without cniVersion: {self}");
        let text = |key: &str| error[key].as_str().unwrap_or_default().to_owned();
        assert!(!text("msg").is_empty(), "an error without msg: {self}");
        (text("msg"), text("details"))
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, stdout, stderr, .. } = self;
        write!(f, "exit code {code}\nstdout: {}\nstderr: {}", stdout.trim_end(), stderr.trim_end())
    }
}
