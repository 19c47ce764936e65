//! Running the plugins of a network for one verb (CNI spec 3, "Attachment", "GC", "STATUS").

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::list::{NetworkList, PluginConf};
use crate::delegate::{self, Call, Target};
use crate::plugin::Verb;
use crate::{AddResult, Args, AttachmentId, ContainerId, Error, IfName, Version, code};

/// What a runtime asks for: an attachment and how to make it.
#[derive(Debug, Clone)]
pub struct RuntimeCall {
    /// The container.
    pub container_id: ContainerId,
    /// Name of the interface in it.
    pub ifname: IfName,
    /// Path of its network namespace; none only for [`del`], when it is gone.
    pub netns: Option<PathBuf>,
    /// `CNI_ARGS`.
    pub args: Args,
    /// Values for capabilities; each plugin gets those it declares, in `runtimeConfig`.
    pub capability_args: Map<String, Value>,
    /// Where plugins are searched, in order.
    pub path: Vec<PathBuf>,
}

impl RuntimeCall {
    fn add(
        &self,
        list: &NetworkList,
        plugin: &PluginConf,
        previous: Option<&AddResult>,
    ) -> Result<AddResult, Error> {
        let stdin = list.attachment_conf(plugin, &self.capability_args, previous)?;
        let call = self.delegate(Verb::Add, list.timeout);
        delegate::add(&plugin.plugin_type, &call, &stdin, list.cni_version)
    }

    fn run(
        &self,
        verb: Verb,
        list: &NetworkList,
        plugin: &PluginConf,
        previous: Option<&AddResult>,
    ) -> Result<(), Error> {
        let stdin = list.attachment_conf(plugin, &self.capability_args, previous)?;
        delegate::run(&plugin.plugin_type, &self.delegate(verb, list.timeout), &stdin)
    }

    fn delegate(&self, verb: Verb, timeout: Duration) -> Call<'_> {
        let target = Target {
            container_id: &self.container_id,
            ifname: &self.ifname,
            netns: self.netns.as_deref(),
            args: &self.args,
        };
        Call { verb, target: Some(target), path: &self.path, timeout }
    }
}

/// Runs ADD of every plugin, each with the result of the one before, and returns the last result.
/// When one fails, DEL of all plugins runs in reverse order, even of those not reached.
///
/// # Errors
/// The failed plugin's own error; what could not be undone is added to its details.
pub fn add(list: &NetworkList, call: &RuntimeCall) -> Result<AddResult, Error> {
    find_plugins(list, &call.path)?;
    let mut result = None;
    match add_all(list, call, &mut result) {
        Ok(()) => Ok(result.unwrap_or_default()),
        Err(error) => Err(match undo(list, call, result.as_ref()) {
            Ok(()) => error,
            Err(left) => error.context(&format!("not undone: {left}")),
        }),
    }
}

/// Checks that all plugins of a network are installed: a missing one could neither ADD nor undo. For
/// callers that run several networks and want to know before the first of them.
///
/// # Errors
/// Code 7, naming the plugin and where it was looked for.
pub fn find_plugins(list: &NetworkList, path: &[PathBuf]) -> Result<(), Error> {
    let mut plugins = list.plugins.iter();
    plugins.try_for_each(|plugin| delegate::find(&plugin.plugin_type, path).map(drop))
}

/// ADD of every plugin, up to the first failure. `result` is that of the last that succeeded.
pub(super) fn add_all(
    list: &NetworkList,
    call: &RuntimeCall,
    result: &mut Option<AddResult>,
) -> Result<(), Error> {
    for plugin in &list.plugins {
        *result = Some(call.add(list, plugin, result.as_ref())?);
    }
    Ok(())
}

/// DEL of all plugins in reverse order. A failure of one does not keep the others from it.
pub(super) fn undo(
    list: &NetworkList,
    call: &RuntimeCall,
    previous: Option<&AddResult>,
) -> Result<(), Error> {
    let previous = previous.filter(|_| list.cni_version >= Version::V0_4_0);
    let run = |plugin| call.run(Verb::Del, list, plugin, previous).err();
    all(list.plugins.iter().rev().filter_map(run))
}

/// Runs DEL of the plugins in reverse order, with the result of ADD (since 0.4.0). Stops at the
/// first error, so that a later DEL finds what it needs.
///
/// # Errors
/// The failed plugin's own error.
pub fn del(
    list: &NetworkList,
    call: &RuntimeCall,
    previous: Option<&AddResult>,
) -> Result<(), Error> {
    let previous = previous.filter(|_| list.cni_version >= Version::V0_4_0);
    let mut plugins = list.plugins.iter().rev();
    plugins.try_for_each(|plugin| call.run(Verb::Del, list, plugin, previous))
}

/// Runs CHECK of the plugins with the result of ADD, up to the first error. Does nothing when the
/// network disables it.
///
/// # Errors
/// The failed plugin's own error; code 1 when the network is older than 0.4.0.
pub fn check(list: &NetworkList, call: &RuntimeCall, previous: &AddResult) -> Result<(), Error> {
    if list.disable_check {
        return Ok(());
    }
    if list.cni_version < Verb::Check.since() {
        let msg = format!("network {:?} of version {} has no CHECK", list.name, list.cni_version);
        let hint = "set \"cniVersion\" to 0.4.0 or newer to check it";
        return Err(Error::new(code::INCOMPATIBLE_VERSION, msg, hint));
    }
    let mut plugins = list.plugins.iter();
    plugins.try_for_each(|plugin| call.run(Verb::Check, list, plugin, Some(previous)))
}

/// Runs GC of all plugins: they take back every attachment of the network that is not in `valid`.
/// Does nothing when the network disables it or is older than 1.1.0.
///
/// # Errors
/// All failures in one error, under the code of the first.
pub fn gc(list: &NetworkList, valid: &[AttachmentId], path: &[PathBuf]) -> Result<(), Error> {
    if list.disable_gc {
        return Ok(());
    }
    // The second is the name of early drafts, which some plugins read.
    let extra =
        [("cni.dev/valid-attachments", json!(valid)), ("cni.dev/attachments", json!(valid))];
    network_verb(Verb::Gc, list, &extra, path)
}

/// Runs STATUS of all plugins. Does nothing when the network is older than 1.1.0.
///
/// # Errors
/// All failures in one error, under the code of the first.
pub fn status(list: &NetworkList, path: &[PathBuf]) -> Result<(), Error> {
    network_verb(Verb::Status, list, &[], path)
}

fn network_verb(
    verb: Verb,
    list: &NetworkList,
    extra: &[(&str, Value)],
    path: &[PathBuf],
) -> Result<(), Error> {
    if list.cni_version < verb.since() {
        return Ok(());
    }
    let run = |plugin: &PluginConf| {
        let stdin = list.network_conf(plugin, extra);
        let call = Call { timeout: list.timeout, ..Call::network(verb, path) };
        delegate::known(delegate::run(&plugin.plugin_type, &call, &stdin)).err()
    };
    all(list.plugins.iter().filter_map(run))
}

/// Several failures as one.
pub(super) fn all(errors: impl IntoIterator<Item = Error>) -> Result<(), Error> {
    let mut errors: Vec<Error> = errors.into_iter().collect();
    match errors.len() {
        0 => Ok(()),
        1 => errors.pop().map_or(Ok(()), Err),
        count => {
            let details: Vec<_> = errors.iter().map(ToString::to_string).collect();
            Err(Error::new(errors[0].code, format!("{count} failures"), details.join("; ")))
        }
    }
}
