//! Calling other plugins (CNI spec 4): the only place that starts an executable, and only one
//! found in `CNI_PATH`.
//!
//! A call waits for the plugin as long as it takes: the caller of ours holds the deadline.

use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::plugin::Verb;
use crate::{AddResult, Args, ContainerId, Error, GcRequest, IfName, NetConf, Request};
use crate::{StatusRequest, Version, code};

/// An executable that is just being replaced is busy; how often and how long to wait for it.
const BUSY: (u32, Duration) = (20, Duration::from_millis(50));

/// Runs ADD of the IPAM plugin; DEL of it too when ADD fails, so that nothing stays allocated. The
/// empty result without an `ipam`.
///
/// # Errors
/// The plugin's own error; 7 when its executable is not found; 5 or 6 when it does not answer.
pub fn ipam_add(request: &Request) -> Result<AddResult, Error> {
    let Some(ipam) = &request.conf.ipam else { return Ok(AddResult::default()) };
    let added = call(&ipam.plugin_type, &Call::attachment(Verb::Add, request), request.conf.raw())
        .and_then(|stdout| parse_result(&stdout, &ipam.plugin_type, request.conf.cni_version));
    if added.is_err()
        && let Err(error) = ipam_del(request)
    {
        log::warn!("clean up after the failed ADD: {error}");
    }
    added
}

/// Checks that the IPAM plugin can be found, so that a misspelt one fails before anything is done.
///
/// # Errors
/// 7, naming the plugin and where it was looked for.
pub fn ipam_exists(request: &Request) -> Result<(), Error> {
    request.conf.ipam.as_ref().map_or(Ok(()), |i| find(&i.plugin_type, &request.path).map(drop))
}

/// Runs DEL of the IPAM plugin. Nothing to do without an `ipam`.
///
/// # Errors
/// As [`ipam_add`].
pub fn ipam_del(request: &Request) -> Result<(), Error> {
    ipam_silent(&request.conf, &Call::attachment(Verb::Del, request))
}

/// Runs CHECK of the IPAM plugin. Nothing to do without an `ipam`, or before 0.4.0.
///
/// # Errors
/// As [`ipam_add`].
pub fn ipam_check(request: &Request) -> Result<(), Error> {
    if request.conf.cni_version < Verb::Check.since() {
        return Ok(());
    }
    ipam_silent(&request.conf, &Call::attachment(Verb::Check, request))
}

/// Runs GC of the IPAM plugin. Nothing to do without an `ipam`; one that is too old to know GC is
/// no error.
///
/// # Errors
/// As [`ipam_add`].
pub fn ipam_gc(request: &GcRequest) -> Result<(), Error> {
    known(ipam_silent(&request.conf, &Call::network(Verb::Gc, &request.path)))
}

/// Runs STATUS of the IPAM plugin. Nothing to do without an `ipam`; one that is too old to know
/// STATUS is no error.
///
/// # Errors
/// As [`ipam_add`].
pub fn ipam_status(request: &StatusRequest) -> Result<(), Error> {
    known(ipam_silent(&request.conf, &Call::network(Verb::Status, &request.path)))
}

fn ipam_silent(conf: &NetConf, call_: &Call<'_>) -> Result<(), Error> {
    let Some(ipam) = &conf.ipam else { return Ok(()) };
    call(&ipam.plugin_type, call_, conf.raw()).map(drop)
}

/// Takes "I do not know this verb" or "this version" for success.
pub(crate) fn known(result: Result<(), Error>) -> Result<(), Error> {
    match result {
        Err(Error { code: code::ENVIRONMENT | code::INCOMPATIBLE_VERSION, msg, .. }) => {
            log::debug!("skipped, because the plugin is too old: {msg}");
            Ok(())
        }
        other => other,
    }
}

/// The environment of one call.
pub(crate) struct Call<'a> {
    pub(crate) verb: Verb,
    /// None for GC and STATUS, which concern a network.
    pub(crate) target: Option<Target<'a>>,
    pub(crate) path: &'a [PathBuf],
}

/// The attachment a call concerns.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) container_id: &'a ContainerId,
    pub(crate) ifname: &'a IfName,
    pub(crate) netns: Option<&'a Path>,
    pub(crate) args: &'a Args,
}

impl<'a> Call<'a> {
    fn attachment(verb: Verb, request: &'a Request) -> Self {
        let target = Target {
            container_id: &request.container_id,
            ifname: &request.ifname,
            netns: request.netns.as_deref(),
            args: &request.args,
        };
        Self { verb, target: Some(target), path: &request.path }
    }

    pub(crate) fn network(verb: Verb, path: &'a [PathBuf]) -> Self {
        Self { verb, target: None, path }
    }
}

/// Runs a plugin and returns what it printed.
pub(crate) fn call(plugin: &str, call: &Call<'_>, stdin: &[u8]) -> Result<Vec<u8>, Error> {
    let executable = find(plugin, call.path)?;
    log::debug!("{} {}", call.verb.as_str(), executable.display());
    let (status, stdout) = execute(&executable, call, stdin).map_err(|error| {
        let msg = format!("run plugin {plugin:?}");
        Error::new(code::IO, msg, format!("{}: {error}", executable.display()))
    })?;
    if status.success() {
        return Ok(stdout);
    }
    Err(failure(plugin, call.verb, status, &stdout))
}

/// The result of an ADD, from what the plugin printed.
pub(crate) fn parse_result(
    stdout: &[u8],
    plugin: &str,
    version: Version,
) -> Result<AddResult, Error> {
    let value: Value = serde_json::from_slice(stdout).map_err(|error| {
        let msg = format!("decode the result of plugin {plugin:?}");
        Error::new(code::DECODE, msg, error.to_string())
    })?;
    let context = format!("from plugin {plugin:?}");
    AddResult::from_json(&value, version).map_err(|error| error.context(&context))
}

/// The executable of a plugin: the first regular file with an execute bit.
pub(crate) fn find(plugin: &str, path: &[PathBuf]) -> Result<PathBuf, Error> {
    let msg = || format!("plugin {plugin:?} not found");
    if plugin.is_empty() || plugin.contains('/') || matches!(plugin, "." | "..") {
        let hint = "a plugin's type must be a file name without path separators";
        return Err(Error::new(code::CONFIG, msg(), hint));
    }
    if path.is_empty() {
        let hint = "CNI_PATH is not set; the runtime must name the plugin directories in it";
        return Err(Error::new(code::CONFIG, msg(), hint));
    }
    path.iter().map(|dir| dir.join(plugin)).find(|file| is_executable(file)).ok_or_else(|| {
        let searched: Vec<_> = path.iter().map(|dir| dir.display().to_string()).collect();
        let searched = searched.join(", ");
        let hint = format!(
            "no executable of that name in CNI_PATH ({searched}); install it there or correct \"type\""
        );
        Error::new(code::CONFIG, msg(), hint)
    })
}

fn is_executable(file: &Path) -> bool {
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// Runs the executable: `stdin` in, stdout out, stderr passed through.
fn execute(executable: &Path, call: &Call<'_>, stdin: &[u8]) -> io::Result<(ExitStatus, Vec<u8>)> {
    let mut child = spawn(&mut command(executable, call))?;
    let input = child.stdin.take();
    let output = child.stdout.take();
    // Both ends at once: the plugin may answer before it has read everything.
    let stdout = thread::scope(|scope| {
        let writer = scope.spawn(move || feed(input, stdin));
        let mut stdout = Vec::new();
        let read = output.map_or(Ok(0), |mut output| output.read_to_end(&mut stdout));
        let wrote = writer.join().unwrap_or_else(|_| Err(io::Error::other("writer panicked")));
        read.and(wrote).map(|()| stdout)
    });
    let status = child.wait()?;
    Ok((status, stdout?))
}

/// A plugin that needs no configuration closes its stdin early; that is not our failure.
fn feed(input: Option<impl io::Write>, stdin: &[u8]) -> io::Result<()> {
    match input.map_or(Ok(()), |mut input| input.write_all(stdin)) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Our own environment, with the `CNI_*` of this call.
#[expect(clippy::disallowed_methods, reason = "this is the one place that runs executables")]
fn command(executable: &Path, call: &Call<'_>) -> Command {
    let mut command = Command::new(executable);
    for name in ["CNI_CONTAINERID", "CNI_IFNAME", "CNI_NETNS", "CNI_ARGS"] {
        command.env_remove(name);
    }
    command.env("CNI_COMMAND", call.verb.as_str());
    command.env(
        "CNI_PATH",
        call.path.iter().map(|dir| dir.as_os_str()).collect::<Vec<_>>().join(":".as_ref()),
    );
    if let Some(target) = call.target {
        command.env("CNI_CONTAINERID", target.container_id.as_str());
        command.env("CNI_IFNAME", target.ifname.as_str());
        command.env("CNI_ARGS", target.args.to_string());
        command.env("CNI_NETNS", target.netns.unwrap_or(Path::new("")));
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    command
}

fn spawn(command: &mut Command) -> io::Result<Child> {
    let (attempts, pause) = BUSY;
    for _ in 1..attempts {
        match command.spawn() {
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => thread::sleep(pause),
            other => return other,
        }
    }
    command.spawn()
}

/// The plugin's error object, or what is known without one.
fn failure(plugin: &str, verb: Verb, status: ExitStatus, stdout: &[u8]) -> Error {
    let context = format!("{} of plugin {plugin:?}", verb.as_str());
    if let Ok(error) = serde_json::from_slice::<Error>(stdout) {
        return error.context(&format!("from {context}"));
    }
    let printed = String::from_utf8_lossy(stdout);
    let printed: String = printed.trim().chars().take(200).collect();
    let printed = if printed.is_empty() { "nothing".to_owned() } else { format!("{printed:?}") };
    let details =
        format!("{status}, and stdout holds no error object but {printed}; see its stderr");
    Error::new(code::IO, format!("{context} failed"), details)
}

#[cfg(test)]
#[path = "delegate_tests.rs"]
mod tests;
