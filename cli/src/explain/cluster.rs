//! What the API server says: the pod, the bands, the nodes, and which devices are free.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use apiserver::{Access, ApiServer, Error, Inquiry, Question, is_object_name};
use policy::{Node, NodeObject, Table};
use serde_json::Value;

use super::pod::{Pod, Wanted};

const CLIENT: &str = concat!("fastpath/", env!("CARGO_PKG_VERSION"));
const RIGHTS: &str = "whom the kubeconfig is of needs to get pods and to list nodes and pods";

/// How long all questions together may take.
const TIME: Duration = Duration::from_mins(2);
/// Objects in one answer. A Node has tens of KiB where many images are.
const PAGE: usize = 100;

const BANDS: &str = "fastpath-bands";
const BANDS_NAMESPACE: &str = "kube-system";
const BANDS_KEY: &str = "bands.yaml";

/// The API server.
pub(super) struct Cluster(ApiServer);

impl Cluster {
    pub(super) fn connect(access: &Access) -> Result<Self> {
        let connected = ApiServer::connect(access, CLIENT, Instant::now() + TIME);
        let connected = connected.map_err(anyhow::Error::from);
        Ok(Self(match access {
            Access::Kubeconfig(_) => connected?,
            Access::InCluster => connected.context(
                "there is neither --kubeconfig nor $KUBECONFIG nor ~/.kube/config, and this is no pod",
            )?,
        }))
    }

    pub(super) fn pod(&self, namespace: &str, name: &str) -> Result<Pod> {
        // Anything else would be another path of the server.
        for (what, name) in [("pod", name), ("namespace", namespace)] {
            ensure!(is_object_name(name), "{name:?} cannot be the name of a {what}");
        }
        let path = format!("/api/v1/namespaces/{namespace}/pods/{name}");
        let operation = format!("get pod {namespace}/{name}");
        Ok(Pod::new(self.get(&Inquiry { operation, name, rights: RIGHTS }, path)?))
    }

    /// The table of bands, and where it is from. The default one where there is none, or none to be seen.
    pub(super) fn bands(&self) -> Result<(Table, String)> {
        let name = format!("ConfigMap {BANDS_NAMESPACE}/{BANDS}");
        let inquiry = Inquiry { operation: format!("get {name}"), name: BANDS, rights: RIGHTS };
        let path = format!("/api/v1/namespaces/{BANDS_NAMESPACE}/configmaps/{BANDS}");
        let object = match self.get(&inquiry, path) {
            Ok(object) => object,
            Err(Error::Missing { .. }) => {
                return Ok((Table::default(), format!("the default ones: there is no {name}")));
            }
            Err(Error::Denied { .. }) => {
                return Ok((Table::default(), format!("the default ones: {name} may not be read")));
            }
            Err(error) => return Err(error.into()),
        };
        let yaml = object["data"][BANDS_KEY].as_str();
        let yaml = yaml.with_context(|| format!("{name} has no key {BANDS_KEY}"))?;
        let table = Table::from_yaml(yaml).with_context(|| name.clone())?;
        Ok((table, format!("those of {name}")))
    }

    /// All nodes by name, with what of the wanted resource is free there for the pod.
    pub(super) fn nodes(&self, pod: &Pod, wanted: &Wanted) -> Result<Vec<(String, Node)>> {
        let resource = wanted.resource.as_deref();
        let taken = resource.map(|resource| self.taken(pod, resource)).transpose()?;
        let mut nodes = Vec::new();
        let each = |object: NodeObject| {
            let mut node = object.node();
            if let (Some(resource), Some(taken)) = (resource, &taken) {
                let taken = taken.get(&object.metadata.name).copied().unwrap_or_default();
                let free = object.allocatable(resource).saturating_sub(taken);
                node.set_free(wanted.demand.path, free);
            }
            nodes.push((object.metadata.name, node));
        };
        self.list("nodes", "", each)?;
        Ok(nodes)
    }

    /// What pods but this one have of a resource, by the name of their node.
    fn taken(&self, but: &Pod, resource: &str) -> Result<HashMap<String, u64>> {
        let mut taken = HashMap::new();
        let each = |object: Value| {
            let pod = Pod::new(object);
            if let Some(node) = pod.node().filter(|_| !pod.is_same(but)) {
                *taken.entry(node.to_owned()).or_default() += pod.requests(resource);
            }
        };
        // Pods that have ended hold nothing.
        let running =
            "&fieldSelector=status.phase!%3DSucceeded,status.phase!%3DFailed,spec.nodeName!%3D";
        self.list("pods", running, each)?;
        Ok(taken)
    }

    fn list<T: serde::de::DeserializeOwned>(
        &self,
        kind: &'static str,
        selected: &str,
        each: impl FnMut(T),
    ) -> Result<(), Error> {
        let inquiry = Inquiry { operation: format!("list the {kind}"), name: kind, rights: RIGHTS };
        let path = format!("/api/v1/{kind}?limit={PAGE}{selected}");
        self.0.list(&inquiry, &path, |path| Question::Get { path }, each)?;
        Ok(())
    }

    fn get(&self, inquiry: &Inquiry, path: String) -> Result<Value, Error> {
        let answer = self.0.ask(inquiry, &Question::Get { path })?;
        serde_json::from_slice(&answer.body)
            .map_err(|error| self.0.failed(inquiry, &format!("it is no object: {error}")))
    }
}
