//! Calling other plugins (CNI spec 4): the only place that starts an executable, and only one
//! found in `CNI_PATH`.
//!
//! A plugin is somebody else's program. It gets [`TIMEOUT`] to end and may print 1 MiB; past either
//! it is killed. Whatever it does, the error names it.

pub(crate) mod answer;
mod process;
mod search;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use answer::Answer;
use process::Failure;
pub(crate) use search::find;

use crate::plugin::Verb;
use crate::{AddResult, Args, ContainerId, Error, GcRequest, IfName, NetConf, Request};
use crate::{StatusRequest, Version, code};

/// How long a plugin may take for one verb. kubelet gives the runtime two minutes for a pod's
/// network; what is left of them is for our own work and for saying what hung.
pub const TIMEOUT: Duration = Duration::from_secs(100);

/// Runs ADD of the IPAM plugin; DEL of it too when ADD fails, so that nothing stays allocated. The
/// empty result without an `ipam`.
///
/// # Errors
/// The plugin's own error; 7 when its executable is not found; 5 or 6 when its answer is none, 1
/// when it is of an unknown version; 11 when it does not answer in [`TIMEOUT`].
pub fn ipam_add(request: &Request) -> Result<AddResult, Error> {
    let Some(ipam) = &request.conf.ipam else { return Ok(AddResult::default()) };
    let called = Call::attachment(Verb::Add, request);
    let added = add(&ipam.plugin_type, &called, request.conf.raw(), request.conf.cni_version);
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

fn ipam_silent(conf: &NetConf, call: &Call<'_>) -> Result<(), Error> {
    let Some(ipam) = &conf.ipam else { return Ok(()) };
    run(&ipam.plugin_type, call, conf.raw())
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

/// One call: its environment and its deadline.
pub(crate) struct Call<'a> {
    pub(crate) verb: Verb,
    /// None for GC and STATUS, which concern a network.
    pub(crate) target: Option<Target<'a>>,
    pub(crate) path: &'a [PathBuf],
    pub(crate) timeout: Duration,
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
        Self { verb, target: Some(target), path: &request.path, timeout: TIMEOUT }
    }

    pub(crate) fn network(verb: Verb, path: &'a [PathBuf]) -> Self {
        Self { verb, target: None, path, timeout: TIMEOUT }
    }
}

/// Runs ADD of a plugin, with a configuration of `version` in `stdin`.
pub(crate) fn add(
    plugin: &str,
    call: &Call<'_>,
    stdin: &[u8],
    version: Version,
) -> Result<AddResult, Error> {
    execute(plugin, call, stdin)?.result(version)
}

/// Runs a verb that has no result.
pub(crate) fn run(plugin: &str, call: &Call<'_>, stdin: &[u8]) -> Result<(), Error> {
    execute(plugin, call, stdin)?.done()
}

fn execute<'a>(plugin: &'a str, call: &Call<'_>, stdin: &[u8]) -> Result<Answer<'a>, Error> {
    let executable = find(plugin, call.path)?;
    let verb = call.verb;
    log::debug!("{} {}", verb.as_str(), executable.display());
    match process::run(&mut command(&executable, call), stdin, call.timeout) {
        Ok(output) => Ok(Answer { plugin, verb, status: output.status, stdout: output.stdout }),
        Err(failure) => Err(no_answer(plugin, &executable, call, &failure)),
    }
}

/// Our own environment, with the `CNI_*` of this call.
#[expect(clippy::disallowed_methods, reason = "this is the one place that runs executables")]
fn command(executable: &Path, call: &Call<'_>) -> Command {
    let mut command = Command::new(executable);
    command.env("CNI_COMMAND", call.verb.as_str());
    command.env("CNI_PATH", search::variable(call.path));
    if let Some(target) = call.target {
        command.env("CNI_CONTAINERID", target.container_id.as_str());
        command.env("CNI_IFNAME", target.ifname.as_str());
        command.env("CNI_ARGS", target.args.to_string());
        command.env("CNI_NETNS", target.netns.unwrap_or(Path::new("")));
    } else {
        for name in ["CNI_CONTAINERID", "CNI_IFNAME", "CNI_NETNS", "CNI_ARGS"] {
            command.env_remove(name);
        }
    }
    command
}

fn no_answer(plugin: &str, executable: &Path, call: &Call<'_>, failure: &Failure) -> Error {
    let verb = call.verb.as_str();
    let file = executable.display();
    match failure {
        Failure::Io(error) => {
            Error::new(code::IO, format!("run plugin {plugin:?}"), format!("{file}: {error}"))
        }
        Failure::Late => Error::new(
            code::TRY_AGAIN,
            format!("plugin {plugin:?} did not finish {verb} in {} s", call.timeout.as_secs_f32()),
            format!(
                "{file} was killed. It is tried again; if it hangs again, see its log for what it \
                 waits for: a lock, its IPAM plugin, a daemon, an API server"
            ),
        ),
        Failure::Loud => Error::new(
            code::DECODE,
            format!("plugin {plugin:?} printed more than {} bytes", process::MAX_OUTPUT),
            format!(
                "{file} was killed in {verb}. Only the result belongs on stdout, logs on stderr; \
                 correct the plugin"
            ),
        ),
    }
}

#[cfg(test)]
#[path = "delegate_tests.rs"]
mod tests;

#[cfg(test)]
mod rogue_tests;
