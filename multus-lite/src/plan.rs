//! From a network that is wanted to an attachment that can be made: its interface, its device, what
//! its plugins are told. Nothing is changed here.

use std::net::IpAddr;
use std::path::Path;

use cni::runtime::NetworkList;
use cni::{Args, IfName, Request};
use hostnet::{Netns, Rtnl};
use npwg::{Selection, devinfo};
use serde_json::{Map, Value, json};

use crate::devices::{Device, Devices};
use crate::error::MultusError;
use crate::on_disk;
use crate::record::Attachment;
use crate::requested::Requested;
use crate::statics::object;

/// A network that somebody wants for the pod.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// `namespace/name` of its definition, or its own name.
    pub(crate) name: String,
    /// The configuration or list, complete with name and version.
    pub(crate) network: Map<String, Value>,
    /// The extended resource whose devices it attaches.
    pub(crate) resource: Option<String>,
    /// Name of its interface, where it is not chosen here.
    pub(crate) ifname: Option<IfName>,
    /// What the pod asks of it; none for a network that it did not select.
    pub(crate) selection: Option<Selection>,
}

impl Wanted {
    /// A network of which nothing particular is asked.
    pub(crate) fn of(network: Map<String, Value>) -> Self {
        let name = network.iter().find(|(key, _)| key.eq_ignore_ascii_case("name"));
        let name = name.and_then(|(_, value)| value.as_str()).unwrap_or_default().to_owned();
        Self { name, network, resource: None, ifname: None, selection: None }
    }

    /// The same, from a list.
    pub(crate) fn of_list(list: &NetworkList) -> Result<Self, MultusError> {
        Ok(Self { name: list.name.clone(), ..Self::of(object(list)?) })
    }
}

/// An attachment that can be made.
#[derive(Debug)]
pub(crate) struct Planned {
    /// What the record keeps.
    pub(crate) attachment: Attachment,
    /// Its plugins.
    pub(crate) list: NetworkList,
    /// The device it was given, of a resource.
    pub(crate) device: Option<Device>,
    /// Gateways the pod wants its default route through.
    pub(crate) default_route: Option<Vec<IpAddr>>,
    /// What is asked without a capability, and has to be in the result.
    pub(crate) requested: Requested,
}

/// Plans the attachments of one call, in their order.
pub(crate) struct Planner<'a> {
    request: &'a Request,
    device_info: &'a Path,
    /// Those planned so far: interface and network.
    names: Vec<(IfName, String)>,
}

impl<'a> Planner<'a> {
    /// `device_info` is the directory of the device-info specification.
    pub(crate) fn new(request: &'a Request, device_info: &'a Path) -> Self {
        Self { request, device_info, names: Vec::new() }
    }

    /// Plans the next network; the first one is the default network.
    ///
    /// # Errors
    /// It cannot be attached as it is wanted.
    pub(crate) fn plan(
        &mut self,
        mut wanted: Wanted,
        devices: Option<&mut Devices>,
    ) -> Result<Planned, MultusError> {
        let index = self.names.len();
        let ifname = self.name(&wanted)?;
        let device = match (&wanted.resource, devices) {
            (Some(resource), Some(devices)) => Some(devices.take(resource, &wanted.name)?),
            _ => None,
        };
        let selection = wanted.selection.as_ref();
        let id = device.as_ref().map(|device| &device.id);
        let id = id.or(selection.and_then(|selection| selection.device_id.as_ref()));
        inject(&mut wanted.network, id.map(String::as_str), selection);
        let conf = Value::from(wanted.network).to_string();
        let list = NetworkList::load(conf.as_bytes())
            .map_err(|error| MultusError::network(error, &wanted.name))?;
        if on_disk::is_meta(&list) {
            return Err(MultusError::MetaDelegate(wanted.name));
        }
        let (mut capability_args, requested) = match selection {
            Some(selection) => Requested::split(selection, &list, &wanted.name)?,
            None => (Map::new(), Requested::default()),
        };
        if index == 0 {
            self.add_runtime_config(&list, &mut capability_args);
        }
        let container = &self.request.container_id;
        let file = devinfo::cni_file(self.device_info, &wanted.name, container, &ifname);
        if let Some(id) = id {
            capability_args.insert("deviceID".to_owned(), json!(id));
        }
        capability_args.insert(devinfo::CAPABILITY.to_owned(), json!(file));
        let attachment = Attachment {
            args: self.args(index, &requested)?.to_string(),
            name: wanted.name,
            ifname,
            conf,
            capability_args,
            device_info: Some(file),
        };
        let default_route = wanted.selection.and_then(|selection| selection.default_route);
        Ok(Planned { attachment, list, device, default_route, requested })
    }

    /// The default network has the runtime's interface, another its own or one by its position.
    fn name(&mut self, wanted: &Wanted) -> Result<IfName, MultusError> {
        let asked = wanted.selection.as_ref().and_then(|selection| selection.interface.as_ref());
        let asked = asked.or(wanted.ifname.as_ref());
        let ifname = match (self.names.len(), asked) {
            (0, _) => self.request.ifname.clone(),
            (_, Some(ifname)) => ifname.clone(),
            (index, None) => IfName::try_from(format!("net{index}"))
                .map_err(|error| MultusError::network(error.into(), &wanted.name))?,
        };
        if let Some((_, other)) = self.names.iter().find(|(name, _)| *name == ifname) {
            return Err(MultusError::SameIfName {
                ifname: ifname.to_string(),
                first: other.clone(),
                second: wanted.name.clone(),
            });
        }
        self.names.push((ifname.clone(), wanted.name.clone()));
        Ok(ifname)
    }

    /// Refuses names that the pod has already (multi-net-spec 4.1.2.1, "interface"). Plugins refuse
    /// too, but one without a kernel interface could not know, and the DEL after a failed ADD takes
    /// away what it finds under the name.
    ///
    /// # Errors
    /// There is such an interface.
    pub(crate) fn refuse_taken_names(&self, netns: &Netns) -> Result<(), MultusError> {
        // The default network's is being made.
        let Some((_, further @ [_, ..])) = self.names.split_first() else { return Ok(()) };
        let pod = Rtnl::here()?.inside(netns)?;
        for (ifname, network) in further {
            if pod.link_by_name(ifname.as_str())?.is_some() {
                let (ifname, network) = (ifname.to_string(), network.clone());
                return Err(MultusError::IfNameTaken { ifname, network });
            }
        }
        Ok(())
    }

    /// What the runtime sets is meant for the default network only (multi-net-spec 7.5).
    fn add_runtime_config(&self, list: &NetworkList, capability_args: &mut Map<String, Value>) {
        for key in list.plugins.iter().flat_map(|plugin| &plugin.capabilities) {
            if let Ok(Some(value)) = self.request.conf.runtime_config::<Value>(key) {
                capability_args.entry(key.clone()).or_insert(value);
            }
        }
    }

    /// The runtime's `CNI_ARGS` for the default network, only the pod's identity for the others.
    fn args(&self, index: usize, requested: &Requested) -> Result<Args, MultusError> {
        let identity = |key: &str| key == "IgnoreUnknown" || key.starts_with("K8S_POD_");
        let given = self.request.args.iter().filter(|(key, _)| index == 0 || identity(key));
        let pairs = given.map(|(key, value)| format!("{key}={value}"));
        let pairs: Vec<_> = pairs.chain(requested.args()).collect();
        Args::parse(&pairs.join(";")).map_err(|error| MultusError::Delegate(error.into()))
    }
}

/// Puts the device's id and the pod's `cni-args` into every plugin's configuration.
fn inject(network: &mut Map<String, Value>, device: Option<&str>, selection: Option<&Selection>) {
    let mut cni_args = selection.map(|selection| selection.cni_args.clone()).unwrap_or_default();
    if let Some(claim) = selection.and_then(|selection| selection.ipam_claim_reference.as_ref()) {
        cni_args.insert("ipam-claim-reference".to_owned(), json!(claim));
    }
    for plugin in plugins(network) {
        if let Some(id) = device {
            // host-device reads the second.
            plugin.insert("deviceID".to_owned(), json!(id));
            plugin.insert("pciBusID".to_owned(), json!(id));
        }
        if !cni_args.is_empty() {
            merge_args(plugin, &cni_args);
        }
    }
}

/// The configurations of a list's plugins, or the only one.
fn plugins(network: &mut Map<String, Value>) -> Vec<&mut Map<String, Value>> {
    let key = network.keys().find(|key| key.eq_ignore_ascii_case("plugins")).cloned();
    match key {
        Some(key) => {
            let plugins = network.get_mut(&key).and_then(Value::as_array_mut);
            plugins.into_iter().flatten().filter_map(Value::as_object_mut).collect()
        }
        None => vec![network],
    }
}

/// The pod's arguments come before those of the definition (multi-net-spec 4.1.2.1, "cni-args").
fn merge_args(plugin: &mut Map<String, Value>, cni_args: &Map<String, Value>) {
    let args = plugin.entry("args").or_insert_with(|| json!({}));
    if !args.is_object() {
        *args = json!({});
    }
    if !args["cni"].is_object() {
        args["cni"] = json!({});
    }
    if let Some(cni) = args["cni"].as_object_mut() {
        cni.extend(cni_args.clone());
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
