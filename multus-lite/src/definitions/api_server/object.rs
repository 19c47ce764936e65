//! What is asked for, and what to say of it when it is not had.

use apiserver::{Error, Inquiry, Reason, is_object_name};

use super::super::DefinitionError;

const RIGHTS: &str = "the user of the kubeconfig needs what deploy/multus-lite-rbac.yaml grants";
const CRD: &str = "the cluster does not know the kind: apply deploy/crd.yaml";

/// An object, and what is done with it.
pub(super) struct Object<'a> {
    /// "get" and the like.
    pub(super) verb: &'static str,
    /// "pod" or "network".
    pub(super) kind: &'static str,
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
}

impl Object<'_> {
    pub(super) fn inquiry(&self) -> Inquiry<'_> {
        let Self { verb, kind, namespace, name } = self;
        let operation = format!("{verb} {kind} {namespace}/{name}");
        Inquiry { operation, name, rights: RIGHTS }
    }

    /// Where it is. Names are checked: they come from a pod's author and must not become another
    /// path.
    pub(super) fn path(&self) -> Option<String> {
        let Self { namespace, name, .. } = self;
        let (api, plural) = match self.kind {
            "pod" => ("/api/v1", "pods"),
            _ => ("/apis/k8s.cni.cncf.io/v1", "network-attachment-definitions"),
        };
        let valid = is_object_name(namespace) && is_object_name(name);
        valid.then(|| format!("{api}/namespaces/{namespace}/{plural}/{name}"))
    }

    /// The failure to have it.
    pub(super) fn error(&self, error: Error) -> DefinitionError {
        match error {
            Error::Missing { .. } => DefinitionError::Missing {
                kind: self.kind,
                namespace: self.namespace.to_owned(),
                name: self.name.to_owned(),
            },
            Error::UnknownKind { operation, reason: Reason(said) } if self.kind == "network" => {
                DefinitionError::UnknownKind {
                    operation,
                    reason: Reason(format!("{said}. Maybe {CRD}")),
                }
            }
            error => DefinitionError::Api(error),
        }
    }
}
