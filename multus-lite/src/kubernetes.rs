//! The networks that Kubernetes adds: those a pod names in its annotations, those every pod gets.

use std::time::{Duration, Instant};

use cni::{Request, Version};
use npwg::{NetworkAttachmentDefinition, NetworkStatus, Selection, annotation};
use serde_json::{Map, Value};

use crate::conf::{self, Conf};
use crate::definitions::{ApiServer, DefinitionError, Definitions, Pod};
use crate::error::MultusError;
use crate::plan::Wanted;
use crate::{MultusLite, on_disk};

/// For all questions of one ADD together.
const API_DEADLINE: Duration = Duration::from_secs(10);

/// The pod of a call, and who knows more about it.
pub(crate) struct Kubernetes<'a> {
    definitions: Box<dyn Definitions>,
    conf: &'a Conf,
    version: Version,
    pub(crate) pod: Pod,
    /// What kubelet knows the pod by: for a static one not the uid of its mirror, `pod`.
    pub(crate) uid: String,
    pub(crate) deadline: Instant,
}

impl<'a> Kubernetes<'a> {
    /// None without access to an API server, or when the runtime names no pod.
    ///
    /// # Errors
    /// The pod cannot be had, or is another one than the runtime means.
    pub(crate) fn of(
        plugin: &MultusLite,
        request: &Request,
        conf: &'a Conf,
    ) -> Result<Option<Self>, MultusError> {
        let Some(access) = plugin.access(conf) else { return Ok(None) };
        let arg = |key| request.args.get(key).filter(|value| !value.is_empty());
        let (Some(namespace), Some(name)) = (arg("K8S_POD_NAMESPACE"), arg("K8S_POD_NAME")) else {
            log::debug!("CNI_ARGS name no pod: only the configured networks are attached");
            return Ok(None);
        };
        let deadline = Instant::now() + API_DEADLINE;
        let definitions = Box::new(ApiServer::connect(&access, deadline)?);
        let pod = definitions.pod(namespace, name, arg("K8S_POD_UID"))?;
        if let Some(uid) = arg("K8S_POD_UID").filter(|uid| *uid != pod.uid && !is_static(&pod)) {
            return Err(MultusError::PodReplaced {
                pod: format!("{namespace}/{name}"),
                wanted: uid.to_owned(),
                found: pod.uid,
            });
        }
        let version = request.conf.cni_version;
        let uid = arg("K8S_POD_UID").unwrap_or(&pod.uid).to_owned();
        Ok(Some(Self { definitions, conf, version, pod, uid, deadline }))
    }

    /// The network that takes the default one's place for this pod; none when it asks for none.
    ///
    /// # Errors
    /// The annotation is malformed or names several; the definition cannot be had.
    pub(crate) fn default_network(&self) -> Result<Option<Wanted>, MultusError> {
        let key = annotation::DEFAULT_NETWORK;
        let Some(text) = self.pod.annotations.get(key) else { return Ok(None) };
        let selections = npwg::selections(text, &self.conf.multus_namespace)
            .map_err(|source| MultusError::Annotation { key, source })?;
        match <[Selection; 1]>::try_from(selections) {
            Ok([selection]) => {
                let allowed = selection.namespace == self.conf.multus_namespace;
                self.selected(selection, allowed).map(Some)
            }
            Err(several) => Err(MultusError::DefaultNetworks(several.len())),
        }
    }

    /// `clusterNetwork`, which may be a definition.
    ///
    /// # Errors
    /// There is no such network anywhere.
    pub(crate) fn cluster_network(&self, name: &str) -> Result<Wanted, MultusError> {
        if on_disk::is_path(name) {
            return Wanted::of_list(&on_disk::cluster(self.conf, name)?);
        }
        match self.definitions.network(&self.conf.multus_namespace, name) {
            Err(DefinitionError::Missing { .. }) => {
                Wanted::of_list(&on_disk::named(self.conf, name)?)
            }
            // Nobody defined a network then; but who wanted to is told why there is none.
            Err(unknown @ DefinitionError::UnknownKind { .. }) => {
                match on_disk::named(self.conf, name) {
                    Err(MultusError::NotOnDisk { .. }) => Err(unknown.into()),
                    list => Wanted::of_list(&list?),
                }
            }
            definition => self.network(definition?, None),
        }
    }

    /// What the pod's annotation names.
    ///
    /// # Errors
    /// The annotation is malformed: the pod does not start without what it asks for.
    pub(crate) fn selections(&self) -> Result<Vec<Selection>, MultusError> {
        let key = annotation::NETWORKS;
        let text = self.pod.annotations.get(key).map_or("", String::as_str);
        npwg::selections(text, &self.pod.namespace)
            .map_err(|source| MultusError::Annotation { key, source })
    }

    /// The networks of every pod, then those of this one.
    ///
    /// # Errors
    /// A definition cannot be had or may not be used.
    pub(crate) fn further(&self, selections: Vec<Selection>) -> Result<Vec<Wanted>, MultusError> {
        let mut wanted = Vec::new();
        if !self.conf.system_namespaces.contains(&self.pod.namespace) {
            for name in &self.conf.default_networks {
                wanted.push(self.cluster_network(name)?);
            }
        }
        for selection in selections {
            wanted.push(self.selected(selection, false)?);
        }
        Ok(wanted)
    }

    /// Publishes what was attached. A pod that is gone is an error like any other.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn publish(&self, status: &[NetworkStatus]) -> Result<(), MultusError> {
        let text = serde_json::to_string_pretty(status).unwrap_or_default();
        self.definitions.annotate(&self.pod, annotation::NETWORK_STATUS, &text)?;
        Ok(())
    }

    fn selected(&self, selection: Selection, allowed: bool) -> Result<Wanted, MultusError> {
        let namespace = &selection.namespace;
        let global = || self.conf.global_namespaces.contains(namespace);
        if self.conf.namespace_isolation
            && !(allowed || *namespace == self.pod.namespace || global())
        {
            return Err(MultusError::Isolated {
                network: format!("{namespace}/{}", selection.name),
                pod: format!("{}/{}", self.pod.namespace, self.pod.name),
                global: self.conf.global_namespaces.join(", "),
            });
        }
        let definition = self.definitions.network(namespace, &selection.name)?;
        self.network(definition, Some(selection))
    }

    /// `spec.config`, or else the node's file of that name (multi-net-spec 3.4.1).
    fn network(
        &self,
        definition: NetworkAttachmentDefinition,
        selection: Option<Selection>,
    ) -> Result<Wanted, MultusError> {
        let NetworkAttachmentDefinition { namespace, name, resource_name, config } = definition;
        let full = format!("{namespace}/{name}");
        let mut network: Map<String, Value> = if config.trim().is_empty() {
            Wanted::of_list(&on_disk::named(self.conf, &name)?)?.network
        } else {
            serde_json::from_str(&config).map_err(|error| {
                let msg = "decode spec.config";
                let error = cni::Error::new(cni::code::DECODE, msg, error.to_string());
                MultusError::network(error, &full)
            })?
        };
        conf::complete(&mut network, &name, self.version);
        warn_of_other_name(&network, &full, &name);
        let resource = resource_name.filter(|resource| !resource.is_empty());
        Ok(Wanted { name: full, network, resource, ifname: None, selection })
    }
}

/// Definition and configuration should have one name (multi-net-spec 3.4.3): the plugins, and what is
/// on the node's disk, go by that of the configuration.
fn warn_of_other_name(network: &Map<String, Value>, full: &str, name: &str) {
    let own = network.iter().find(|(key, _)| key.eq_ignore_ascii_case("name"));
    if let Some((_, Value::String(own))) = own.filter(|(_, own)| *own != name) {
        log::warn!("the configuration of network {full} has another name: {own:?}");
    }
}

/// Pods that kubelet reads from files have another uid than their mirror in the API server.
fn is_static(pod: &Pod) -> bool {
    pod.annotations.get(annotation::CONFIG_SOURCE).is_some_and(|source| source != "api")
}
