//! What kube-scheduler sends to an extender and expects of it (`k8s.io/kube-scheduler/extender/v1`). Names
//! are those of Go's fields; schedulers before 1.15 sent them in lower case. Everything may be null.

use std::borrow::{Borrow, Cow};
use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

/// A text of a request, which is not copied unless it has escapes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(transparent)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

impl Borrow<str> for Text<'_> {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// `ExtenderArgs`: the question of filter and prioritize.
#[derive(Debug, Deserialize)]
pub(crate) struct Args<'a> {
    #[serde(borrow, default, rename = "Pod", alias = "pod")]
    pub(crate) pod: Option<Pod<'a>>,
    /// Given when the scheduler is told that we know the nodes (`nodeCacheCapable`).
    #[serde(borrow, default, rename = "NodeNames", alias = "nodenames", alias = "nodeNames")]
    pub(crate) node_names: Option<Vec<Text<'a>>>,
    /// Given when it is not.
    #[serde(default, rename = "Nodes", alias = "nodes")]
    pub(crate) nodes: Option<IgnoredAny>,
}

/// What is read of a pod.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Pod<'a> {
    #[serde(borrow, default)]
    metadata: Option<Metadata<'a>>,
}

#[derive(Debug, Deserialize)]
struct Metadata<'a> {
    #[serde(borrow, default)]
    annotations: Option<BTreeMap<Text<'a>, Option<Text<'a>>>>,
}

impl Pod<'_> {
    /// The value of an annotation.
    pub(crate) fn annotation(&self, key: &str) -> Option<&str> {
        let annotations = self.metadata.as_ref()?.annotations.as_ref()?;
        Some(&annotations.get(key)?.as_ref()?.0)
    }
}

/// `HostPriority`. Who is not named has 0.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Score<'a> {
    pub(crate) host: &'a str,
    pub(crate) score: u8,
}

/// `ExtenderFilterResult`.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Filtered<'a> {
    pub(crate) node_names: Vec<&'a str>,
    /// Why others are not among them.
    pub(crate) failed_nodes: BTreeMap<&'a str, String>,
    /// Those of them where it is no use to evict pods. Old schedulers, 1.20 among them, know the other list only.
    pub(crate) failed_and_unresolvable_nodes: BTreeMap<&'a str, String>,
    pub(crate) error: String,
}

/// `ExtenderPreemptionArgs`: nodes on which room could be made, and who would have to go.
#[derive(Debug, Deserialize)]
pub(crate) struct PreemptionArgs<'a> {
    #[serde(borrow, default, rename = "Pod", alias = "pod")]
    pub(crate) pod: Option<Pod<'a>>,
    #[serde(
        borrow,
        default,
        rename = "NodeNameToVictims",
        alias = "nodeNameToVictims",
        alias = "nodenametovictims"
    )]
    pub(crate) victims: Option<BTreeMap<Text<'a>, Option<Victims<FullPod>>>>,
    #[serde(
        borrow,
        default,
        rename = "NodeNameToMetaVictims",
        alias = "nodeNameToMetaVictims",
        alias = "nodenametometavictims"
    )]
    pub(crate) meta_victims: Option<BTreeMap<Text<'a>, Option<Victims<Uid>>>>,
}

/// `ExtenderPreemptionResult`.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Preempted<'a> {
    pub(crate) node_name_to_meta_victims: BTreeMap<&'a str, Victims<Uid>>,
}

/// `Victims`, or `MetaVictims`.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Victims<P> {
    #[serde(default = "none", rename = "Pods", alias = "pods")]
    pub(crate) pods: Option<Vec<P>>,
    #[serde(
        default,
        rename = "NumPDBViolations",
        alias = "numPDBViolations",
        alias = "numpdbviolations"
    )]
    pub(crate) violations: i64,
}

/// The uid of a pod, as answers have it.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(crate) struct Uid {
    #[serde(rename = "UID", alias = "uid")]
    pub(crate) uid: String,
}

/// A whole pod, of which an answer has the uid.
#[derive(Debug, Deserialize)]
pub(crate) struct FullPod {
    pub(crate) metadata: Uid,
}

fn none<P>() -> Option<Vec<P>> {
    None
}
