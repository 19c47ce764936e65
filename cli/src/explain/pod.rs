//! A pod, and what it wants of a node.

use policy::{Budget, Demand, Error, Table, device_count};
use serde_json::Value;

/// A pod as the API server or a file has it.
pub(super) struct Pod(Value);

/// What a pod with a budget wants of a node.
pub(super) struct Wanted {
    pub(super) demand: Demand,
    /// Whether admission stamped the path. Else it is the one that it would.
    pub(super) stamped: bool,
    /// The resource of the path that it takes, if that has any.
    pub(super) resource: Option<String>,
}

impl Pod {
    pub(super) fn new(object: Value) -> Self {
        Self(object)
    }

    pub(super) fn name(&self) -> &str {
        self.0["metadata"]["name"].as_str().unwrap_or("unnamed")
    }

    pub(super) fn namespace(&self) -> &str {
        self.0["metadata"]["namespace"].as_str().unwrap_or("default")
    }

    /// The node that it is bound to.
    pub(super) fn node(&self) -> Option<&str> {
        self.0["spec"]["nodeName"].as_str().filter(|name| !name.is_empty())
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        (self.namespace(), self.name()) == (other.namespace(), other.name())
    }

    fn annotation(&self, key: &str) -> Option<&str> {
        self.0["metadata"]["annotations"][key].as_str()
    }

    fn list(&self, key: &str) -> impl Iterator<Item = &Value> {
        self.0["spec"][key].as_array().into_iter().flatten()
    }

    /// How many devices of a resource kube-scheduler counts for it: those of its containers, which run
    /// together, or of an init container where that takes more. Sidecars stay.
    pub(super) fn requests(&self, resource: &str) -> u64 {
        let (mut sidecars, mut most) = (0, 0);
        for container in self.list("initContainers") {
            let wanted = requests(container, resource);
            if container["restartPolicy"] == "Always" {
                sidecars += wanted;
                most = most.max(sidecars);
            } else {
                most = most.max(sidecars + wanted);
            }
        }
        let together: u64 = self.list("containers").map(|one| requests(one, resource)).sum();
        most.max(sidecars + together)
    }

    /// Names of all resources that its containers request.
    fn resources(&self) -> impl Iterator<Item = &str> {
        let containers = self.list("containers").chain(self.list("initContainers"));
        let kinds =
            containers.flat_map(|one| ["requests", "limits"].map(|key| &one["resources"][key]));
        kinds.filter_map(Value::as_object).flatten().map(|(name, _)| name.as_str())
    }
}

/// Of a container. Where there is a limit alone, it is the request as well.
fn requests(container: &Value, resource: &str) -> u64 {
    let resources = &container["resources"];
    let given = ["requests", "limits"].map(|key| &resources[key][resource]);
    let quantity = given.into_iter().find(|quantity| !quantity.is_null());
    quantity
        .and_then(|one| one.as_u64().or_else(|| device_count(one.as_str()?)))
        .unwrap_or_default()
}

impl Wanted {
    /// None when the pod has no budget.
    ///
    /// # Errors
    /// What is wrong with its annotations, or that no path keeps its budget.
    pub(super) fn of(pod: &Pod, table: &Table) -> Result<Option<Self>, Error> {
        let (demand, stamped) = match Demand::from_annotations(|key| pod.annotation(key)) {
            Err(Error::NotAdmitted) => (would_be_stamped(pod, table)?, false),
            demand => (demand?, true),
        };
        let Some(mut demand) = demand else { return Ok(None) };
        // As admission requires it.
        demand.require_measured |= table.bands.need_figure(demand.path);
        let named = pod.resources().find(|name| table.path(name) == Some(demand.path));
        // What the pod requests is what kube-scheduler counts, whatever number the annotation says.
        if let Some(count) = named.map(|name| pod.requests(name)).filter(|count| *count > 0) {
            demand.interfaces = count;
        }
        let resource = named.or(Table::resource(demand.path)).map(str::to_owned);
        Ok(Some(Self { demand, stamped, resource }))
    }
}

/// What a pod wants that admission has not seen, by the bands.
fn would_be_stamped(pod: &Pod, table: &Table) -> Result<Option<Demand>, Error> {
    let Some(budget) = Budget::from_annotations(|key| pod.annotation(key))? else {
        return Ok(None);
    };
    let path = table.bands.path(budget)?.as_str();
    Demand::from_annotations(
        |key| if key == policy::PATH { Some(path) } else { pod.annotation(key) },
    )
}
