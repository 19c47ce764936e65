//! The networks that the cluster defines, as far as admission has to know them.

mod api;
#[cfg(test)]
pub(crate) mod fake;

use npwg::NetworkAttachmentDefinition;
use policy::{Datapath, Table};
use serde_json::Value;

use super::Refusal;

pub use api::Api;

/// Label of a network that pods get which name none: the path that it is on.
pub(crate) const LABEL: &str = policy::PATH;

/// A network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The extended resource whose devices it attaches.
    pub resource: Option<String>,
    /// The path that its label says.
    pub labelled: Option<Datapath>,
}

/// Where networks are looked up.
pub trait Networks: Send + Sync {
    /// The network of this name.
    ///
    /// # Errors
    /// [`Refusal::Missing`], [`Refusal::Shape`], or [`Refusal::Unavailable`].
    fn named(&self, namespace: &str, name: &str) -> Result<Network, Refusal>;

    /// The networks of a namespace with the label for this path.
    ///
    /// # Errors
    /// [`Refusal::Shape`], [`Refusal::Unavailable`].
    fn labelled(&self, namespace: &str, path: Datapath) -> Result<Vec<Network>, Refusal>;
}

impl Network {
    /// Reads the API object.
    ///
    /// # Errors
    /// [`Refusal::Shape`] when its names or its resource cannot be.
    pub fn from_json(object: &Value) -> Result<Self, Refusal> {
        let definition = NetworkAttachmentDefinition::from_json(object)?;
        let NetworkAttachmentDefinition { namespace, name, resource_name: resource, .. } =
            definition;
        let label = object["metadata"]["labels"][LABEL].as_str();
        let labelled = label.and_then(|label| Datapath::try_from(label.to_owned()).ok());
        Ok(Self { namespace, name, resource, labelled })
    }

    /// The path that it is on, by its label, else by its resource; none is known of a network that is
    /// not of this suite.
    #[must_use]
    pub fn path(&self, table: &Table) -> Option<Datapath> {
        self.labelled.or_else(|| table.path(self.resource.as_deref()?))
    }

    /// `namespace/name`.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}
