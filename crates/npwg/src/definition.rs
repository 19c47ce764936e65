//! A network as the cluster defines it (multi-net-spec 3.2).

use serde_json::Value;

use crate::error::shown;
use crate::names::{self, is_namespace, is_resource, is_subdomain};
use crate::{Error, Invalid, annotation};

/// What matters of a `NetworkAttachmentDefinition` (`k8s.cni.cncf.io/v1`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkAttachmentDefinition {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Annotation `k8s.v1.cni.cncf.io/resourceName`: the extended resource whose devices it attaches.
    pub resource_name: Option<String>,
    /// `spec.config`: a configuration or a list, as text. Empty: it is a file on the node's disk.
    pub config: String,
}

impl NetworkAttachmentDefinition {
    /// Reads the API object: `metadata` with `namespace`, `name` and `annotations`, and `spec` with
    /// `config`. Without `spec` or `config`, or with null there, the configuration is empty.
    ///
    /// # Errors
    /// [`Error::Definition`] when a name is not one Kubernetes accepts, the resource is not one, or
    /// the configuration is not a text.
    pub fn from_json(object: &Value) -> Result<Self, Error> {
        read(object).map_err(|invalid| Error::Definition { name: label(object), invalid })
    }
}

fn read(object: &Value) -> Result<NetworkAttachmentDefinition, Invalid> {
    let metadata = &object["metadata"];
    let resource = &metadata["annotations"][annotation::RESOURCE_NAME];
    Ok(NetworkAttachmentDefinition {
        namespace: required(
            "metadata.namespace",
            &metadata["namespace"],
            is_namespace,
            names::NAMESPACE,
        )?,
        name: required("metadata.name", &metadata["name"], is_subdomain, names::SUBDOMAIN)?,
        resource_name: optional(annotation::RESOURCE_NAME, resource, is_resource, names::RESOURCE)?,
        config: optional("spec.config", &object["spec"]["config"], |_| true, "a text")?
            .unwrap_or_default(),
    })
}

fn required(
    key: &str,
    value: &Value,
    check: fn(&str) -> bool,
    want: &'static str,
) -> Result<String, Invalid> {
    optional(key, value, check, want)?.ok_or_else(|| Invalid::missing(key, want))
}

/// A text; absent, null and empty are none.
fn optional(
    key: &str,
    value: &Value,
    check: fn(&str) -> bool,
    want: &'static str,
) -> Result<Option<String>, Invalid> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Ok(None),
        Value::String(text) if check(text) => Ok(Some(text.clone())),
        other => Err(Invalid::new(key, other, want)),
    }
}

/// What to call the object in a message.
fn label(object: &Value) -> String {
    shown(object["metadata"]["name"].as_str().unwrap_or("(without a name)"))
}

#[cfg(test)]
#[path = "definition_tests.rs"]
mod tests;
