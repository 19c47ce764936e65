//! The plugin side of the protocol: environment and stdin in, result or error object out (CNI
//! spec 2).

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::request::{Attachment, missing_variables, search_path, utf8};
use crate::{AddResult, Error, NetConf, Request, Version, code, env};

/// What a plugin does for each verb. Nothing in it writes to stdout.
pub trait Plugin {
    /// Attaches the container, or changes the attachment that `prev_result` describes.
    ///
    /// # Errors
    /// What the runtime is told; the host is as it was.
    fn add(&self, request: &Request) -> Result<AddResult, Error>;

    /// Takes back what ADD did. Succeeds when there is nothing (left) to take back.
    ///
    /// # Errors
    /// What could not be cleaned up; the runtime calls again.
    fn del(&self, request: &Request) -> Result<(), Error>;

    /// Checks that the attachment is still as ADD left it. Called for 0.4.0 and newer only.
    ///
    /// # Errors
    /// What differs.
    fn check(&self, request: &Request) -> Result<(), Error>;

    /// Takes back every attachment of this network that is not listed. Called for 1.1.0 and newer.
    ///
    /// # Errors
    /// What could not be collected; everything else is.
    fn gc(&self, request: &GcRequest) -> Result<(), Error>;

    /// Says whether ADD could be served. Called for 1.1.0 and newer only.
    ///
    /// # Errors
    /// Code 50 or 51, and why.
    fn status(&self, request: &StatusRequest) -> Result<(), Error>;

    /// Told of each ADD and DEL after its answer: how long it took, and whether it succeeded.
    fn served(&self, _verb: &str, _took: Duration, _succeeded: bool) {}
}

/// What GC is called with.
#[derive(Debug, Clone)]
pub struct GcRequest {
    /// `CNI_PATH`: where delegates are searched, in order.
    pub path: Vec<PathBuf>,
    /// The configuration from stdin, with [`NetConf::valid_attachments`].
    pub conf: NetConf,
}

/// What STATUS is called with.
#[derive(Debug, Clone)]
pub struct StatusRequest {
    /// `CNI_PATH`: where delegates are searched, in order.
    pub path: Vec<PathBuf>,
    /// The configuration from stdin.
    pub conf: NetConf,
}

/// The `main` of a plugin: serves the one call this process was started for.
pub fn run(plugin: &impl Plugin) -> ExitCode {
    serve(env::of_process, &mut io::stdin().lock(), &mut io::stdout().lock(), plugin)
}

/// [`run`] with its surroundings as arguments. Exit status 1 goes with an error object on stdout.
pub fn serve(
    env: impl Fn(&str) -> Option<OsString>,
    stdin: &mut impl Read,
    stdout: &mut impl Write,
    plugin: &impl Plugin,
) -> ExitCode {
    let begin = Instant::now();
    let mut version = Version::LATEST;
    let (answer, exit) = match answer(&env, stdin, plugin, &mut version) {
        Ok(answer) => (answer, ExitCode::SUCCESS),
        Err(error) => {
            log::error!("{error} (code {})", error.code);
            (Some(error.to_json(version)), ExitCode::FAILURE)
        }
    };
    let exit = match print(stdout, answer.as_ref()) {
        Ok(()) => exit,
        Err(error) => {
            log::error!("write the answer to stdout: {error}");
            ExitCode::FAILURE
        }
    };
    if let Ok(verb @ (Verb::Add | Verb::Del)) = Verb::from_env(&env) {
        plugin.served(verb.as_str(), begin.elapsed(), exit == ExitCode::SUCCESS);
    }
    exit
}

/// Calls the verb. `version` becomes that of the configuration as soon as it is known.
fn answer(
    env: &impl Fn(&str) -> Option<OsString>,
    stdin: &mut impl Read,
    plugin: &impl Plugin,
    version: &mut Version,
) -> Result<Option<Value>, Error> {
    let verb = Verb::from_env(env)?;
    match verb {
        Verb::Version => return Ok(Some(versions(stdin))),
        Verb::Add | Verb::Del | Verb::Check => {
            let attachment = Attachment::from_env(env, verb != Verb::Del)?;
            let request = attachment.with(configuration(stdin, verb, version)?);
            match verb {
                Verb::Add => return plugin.add(&request)?.to_json(*version).map(Some),
                Verb::Del => plugin.del(&request)?,
                _ => plugin.check(&request)?,
            }
        }
        Verb::Gc => {
            let conf = configuration(stdin, verb, version)?;
            plugin.gc(&GcRequest { path: search_path(env), conf })?;
        }
        Verb::Status => {
            let conf = configuration(stdin, verb, version)?;
            plugin.status(&StatusRequest { path: search_path(env), conf })?;
        }
    }
    Ok(None)
}

/// `CNI_COMMAND`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Add,
    Del,
    Check,
    Gc,
    Status,
    Version,
}

impl Verb {
    const ALL: [Self; 6] =
        [Self::Add, Self::Del, Self::Check, Self::Gc, Self::Status, Self::Version];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Add => "ADD",
            Self::Del => "DEL",
            Self::Check => "CHECK",
            Self::Gc => "GC",
            Self::Status => "STATUS",
            Self::Version => "VERSION",
        }
    }

    /// The oldest version of a configuration under which the verb exists.
    pub(crate) fn since(self) -> Version {
        match self {
            Self::Add | Self::Del | Self::Version => Version::V0_1_0,
            Self::Check => Version::V0_4_0,
            Self::Gc | Self::Status => Version::V1_1_0,
        }
    }

    fn from_env(env: &impl Fn(&str) -> Option<OsString>) -> Result<Self, Error> {
        let text = utf8("CNI_COMMAND", env("CNI_COMMAND").unwrap_or_default())?;
        if text.is_empty() {
            return Err(missing_variables(&["CNI_COMMAND"]));
        }
        Self::ALL.into_iter().find(|verb| verb.as_str() == text).ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            let msg = format!("unknown CNI_COMMAND {text:?}");
            Error::new(code::ENVIRONMENT, msg, format!("known are {known}"))
        })
    }
}

/// Reads stdin. The version is noted before the rest can fail, so that the error object has it.
fn configuration(
    stdin: &mut impl Read,
    verb: Verb,
    version: &mut Version,
) -> Result<NetConf, Error> {
    let raw = read(stdin)
        .map_err(|error| Error::new(code::IO, "read the configuration", error.to_string()))?;
    if let Some(named) = version_named(&raw) {
        *version = named;
    }
    let conf = if verb == Verb::Del { NetConf::parse_for_del(&raw) } else { NetConf::parse(&raw) }?;
    *version = conf.cni_version;
    if conf.cni_version < verb.since() {
        let (verb, since) = (verb.as_str(), verb.since());
        let msg = format!("{verb} does not exist in version {}", conf.cni_version);
        let details = format!("set \"cniVersion\" to {since} or newer to use {verb}");
        return Err(Error::new(code::INCOMPATIBLE_VERSION, msg, details));
    }
    Ok(conf)
}

fn read(stdin: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut raw = Vec::new();
    stdin.read_to_end(&mut raw)?;
    Ok(raw)
}

/// The supported `cniVersion` named in what may or may not be a configuration.
fn version_named(raw: &[u8]) -> Option<Version> {
    let value: Value = serde_json::from_slice(raw).ok()?;
    value.get("cniVersion")?.as_str()?.parse().ok()
}

/// The answer to VERSION (CNI spec 5, "Version"), whatever stdin holds.
fn versions(stdin: &mut impl Read) -> Value {
    let named = read(stdin).ok().and_then(|raw| version_named(&raw));
    json!({ "cniVersion": named.unwrap_or(Version::LATEST), "supportedVersions": Version::ALL })
}

fn print(stdout: &mut impl Write, answer: Option<&Value>) -> io::Result<()> {
    if let Some(answer) = answer {
        writeln!(stdout, "{answer}")?;
    }
    stdout.flush()
}

#[cfg(test)]
#[path = "plugin_tests.rs"]
mod tests;
