//! What can go wrong, and the CNI code each case has (docs/errors.md).

use std::io;
use std::path::PathBuf;

use attachment::journal_code;
use cni::code;

use crate::definitions::DefinitionError;
use crate::record::Attachment;

/// Not everything could be taken back.
pub(crate) const RESTORE: u32 = 104;
/// A network that a pod or the configuration names does not exist or may not be used.
pub(crate) const NETWORK: u32 = 110;
/// The pod is not (any more) the one that the runtime means.
pub(crate) const POD: u32 = 111;
/// The pod has no device of the resource that a network attaches.
pub(crate) const DEVICE: u32 = 112;
/// No plugin of the network serves what the pod asks of it.
pub(crate) const CAPABILITY: u32 = 113;

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfError {
    /// The JSON type is wrong; the `cni` crate has named the key.
    #[error("{} {}", .0.msg, .0.details)]
    Fields(cni::Error),
    /// A key of a delegate has a value it cannot have.
    #[error("{key}: {reason}")]
    Value {
        /// Key.
        key: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A delegate cannot be used.
    #[error("delegate {index}")]
    Delegate {
        /// Its place in `delegates`, from 0.
        index: usize,
        /// Cause.
        source: Box<ConfError>,
    },
    /// Which one is the default network?
    #[error("several delegates have \"masterplugin\": one of them can be the default network")]
    TwoMasters,
    /// Nothing to attach.
    #[error("no default network: give \"delegates\" or \"clusterNetwork\"")]
    NoNetwork,
}

impl ConfError {
    pub(crate) fn value(key: &'static str, reason: &dyn std::fmt::Display) -> Self {
        Self::Value { key, reason: reason.to_string() }
    }

    pub(crate) fn in_delegate(self, index: usize) -> Self {
        Self::Delegate { index, source: Box::new(self) }
    }
}

/// Failures of the verbs.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MultusError {
    /// Configuration.
    #[error("invalid multus-lite configuration")]
    Conf(#[from] ConfError),
    /// A plugin or the `cni` crate failed; the error object, with the network named.
    #[error("{}", .0.msg)]
    Delegate(cni::Error),
    /// Records and locks.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// Namespaces and routes.
    #[error(transparent)]
    Net(#[from] hostnet::Error),
    /// Device-info files.
    #[error(transparent)]
    Npwg(#[from] npwg::Error),
    /// A pod's annotation.
    #[error("annotation {key} is invalid")]
    Annotation { key: &'static str, source: npwg::Error },
    /// The API server.
    #[error(transparent)]
    Definition(#[from] DefinitionError),
    /// kubelet.
    #[error("kubelet does not tell the pod's devices")]
    Kubelet(#[from] kubelet::Error),
    #[error("CNI_NETNS is {0}")]
    Netns(&'static str),
    #[error("container {0} is attached already; DEL it first")]
    AlreadyAttached(String),
    #[error("container {0} is not attached")]
    NotAttached(String),
    #[error("the default network is not ready: {file} does not exist")]
    NotReady { file: PathBuf },
    #[error("no file in {dir} has the network {name:?}")]
    NotOnDisk { name: String, dir: PathBuf, names: Vec<String> },
    #[error("read directory {dir}")]
    ReadDir { dir: PathBuf, source: io::Error },
    #[error("read {file}")]
    ReadFile { file: PathBuf, source: io::Error },
    #[error("network {0:?} is a meta-plugin itself")]
    MetaDelegate(String),
    #[error("interface {ifname} is wanted for {first:?} and for {second:?}")]
    SameIfName { ifname: String, first: String, second: String },
    #[error("interface {ifname}, wanted for {network:?}, exists in the pod already")]
    IfNameTaken { ifname: String, network: String },
    #[error("interface {0} of the result is not in the pod")]
    NoInterface(String),
    #[error("pod {pod} was created again: the runtime means {wanted}, the API server has {found}")]
    PodReplaced { pod: String, wanted: String, found: String },
    #[error("the default network of a pod is one network, not {0}")]
    DefaultNetworks(usize),
    #[error("pod {pod} may not use network {network}")]
    Isolated { network: String, pod: String, global: String },
    #[error("network {network} asks for resource {resource}, pod {pod} has no device left of it")]
    NoDevice { network: String, resource: String, pod: String, why: String },
    #[error("the pod asks for {capability} on network {network}, and none of its plugins has it")]
    NoCapability { network: String, capability: String },
    #[error("network {network} did not give the pod the {capability} it asks for: {value}")]
    NotHonoured { network: String, capability: &'static str, value: String },
    /// Several failures; their texts and the code that fits.
    #[error("{0}")]
    Incomplete(String, u32),
    #[error("the record of {owner} was damaged; what the configuration names is detached")]
    RecordLost { owner: String },
    #[error("the cache of Multus, {file}, was damaged: {reason}")]
    CacheLost { file: PathBuf, reason: String },
}

impl MultusError {
    /// A failure of this attachment's plugins.
    pub(crate) fn delegate(error: cni::Error, attachment: &Attachment) -> Self {
        Self::Delegate(error.context(&attachment.what()))
    }

    /// A failure of this network.
    pub(crate) fn network(error: cni::Error, name: &str) -> Self {
        Self::Delegate(error.context(&format!("network {name:?}")))
    }

    fn code_and_hint(&self) -> (u32, String) {
        let (code, hint) = match self {
            Self::NotOnDisk { names, .. } if names.is_empty() => {
                (NETWORK, "there are no networks in it".to_owned())
            }
            Self::NotOnDisk { names, .. } => (NETWORK, format!("it has {}", names.join(", "))),
            Self::Isolated { global, .. } => {
                (NETWORK, format!("namespaceIsolation allows the pod's own namespace and {global}"))
            }
            Self::NoDevice { why, .. } => (
                DEVICE,
                format!(
                    "{why}. Request the resource in a container of the pod, one for each network, \
                     or correct k8s.v1.cni.cncf.io/resourceName of the network"
                ),
            ),
            Self::NoCapability { network, capability } => {
                (CAPABILITY, capability_hint(network, capability))
            }
            Self::NotHonoured { network, capability, .. } => {
                (CAPABILITY, capability_hint(network, capability))
            }
            Self::Definition(error) => return definition(error),
            Self::Incomplete(_, code) => (*code, String::new()),
            other => {
                let (code, hint) = other.fixed_code_and_hint();
                (code, hint.to_owned())
            }
        };
        (code, hint)
    }

    fn fixed_code_and_hint(&self) -> (u32, &'static str) {
        match self {
            Self::Conf(_) => (code::CONFIG, "see the README of multus-lite, 'Configuration'"),
            Self::Journal(e) => journal_code(e),
            Self::Npwg(npwg::Error::FileJson { .. }) => (
                code::DECODE,
                "the device plugin of the resource, or the network's plugin, wrote it",
            ),
            Self::Annotation { .. } => (code::CONFIG, "correct it and create the pod again"),
            Self::Kubelet(_) => {
                (code::TRY_AGAIN, "is kubelet running, and its pod-resources socket in place?")
            }
            Self::Netns(_) => (code::ENVIRONMENT, "the runtime has to pass a pod's namespace"),
            Self::AlreadyAttached(_) => {
                (code::CONFIG, "every ADD needs a DEL before it is repeated")
            }
            Self::NotAttached(_) => {
                (code::CONFIG, "its ADD failed, or was not made by this program")
            }
            Self::NotReady { .. } => (
                code::TRY_AGAIN,
                "the default network's own daemon writes it (readinessindicatorfile)",
            ),
            Self::MetaDelegate(_) => (code::CONFIG, "name the networks themselves"),
            Self::SameIfName { .. } | Self::IfNameTaken { .. } => {
                (code::CONFIG, "choose another name for one of them")
            }
            Self::PodReplaced { .. } => {
                (POD, "the runtime will make a new sandbox for the new pod")
            }
            Self::DefaultNetworks(_) => {
                (code::CONFIG, "name exactly one network in v1.multus-cni.io/default-network")
            }
            Self::RecordLost { .. } => (
                RESTORE,
                "other networks of this pod are unknown; GC of the node's runtime frees them",
            ),
            Self::CacheLost { .. } => (
                RESTORE,
                "it was removed; what the pod had is unknown, GC of its networks frees it",
            ),
            _ => (code::IO, ""),
        }
    }
}

fn capability_hint(network: &str, capability: &str) -> String {
    format!(
        "add \"capabilities\": {{\"{capability}\": true}} to the plugin of network {network} that \
         can do it, or do not ask for it"
    )
}

fn definition(error: &DefinitionError) -> (u32, String) {
    match error {
        DefinitionError::Missing { kind: "pod", .. } | DefinitionError::Replaced { .. } => {
            (POD, "it was deleted; there is nothing to attach any more".to_owned())
        }
        DefinitionError::Missing { .. } => {
            (NETWORK, "create it, or correct the pod's annotation".to_owned())
        }
        DefinitionError::UnknownKind { .. } => (code::TRY_AGAIN, String::new()),
        DefinitionError::Api(error) => api(error),
    }
}

fn api(error: &apiserver::Error) -> (u32, String) {
    match error {
        apiserver::Error::Denied { .. } => (
            NETWORK,
            "check the token and the role of the service account (deploy/README.md)".to_owned(),
        ),
        apiserver::Error::Access { .. } => (code::CONFIG, "correct \"kubeconfig\"".to_owned()),
        apiserver::Error::Unreachable { .. }
        | apiserver::Error::Missing { .. }
        | apiserver::Error::UnknownKind { .. }
        | apiserver::Error::Failed { .. } => (code::TRY_AGAIN, String::new()),
    }
}

impl From<MultusError> for cni::Error {
    fn from(error: MultusError) -> Self {
        match error {
            MultusError::Delegate(error) => error,
            other => {
                let (code, hint) = other.code_and_hint();
                Self::from_chain(code, &other, &hint)
            }
        }
    }
}

/// What could not be done, reported once at the end.
#[derive(Default)]
pub(crate) struct Failures {
    errors: Vec<cni::Error>,
}

impl Failures {
    pub(crate) fn note(&mut self, outcome: Result<(), MultusError>) {
        if let Err(error) = outcome {
            let error = cni::Error::from(error);
            log::error!("{error}");
            self.errors.push(error);
        }
    }

    /// One failure as it is, several in one with the code of the first.
    pub(crate) fn into_result(mut self) -> Result<(), MultusError> {
        match self.errors.len() {
            0 => Ok(()),
            1 => Err(MultusError::Delegate(self.errors.remove(0))),
            count => {
                let texts: Vec<_> = self.errors.iter().map(ToString::to_string).collect();
                let text = format!("{count} failures: {}", texts.join("; "));
                Err(MultusError::Incomplete(text, self.errors[0].code))
            }
        }
    }
}
