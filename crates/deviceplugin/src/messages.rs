//! Messages of the API, with the field numbers of its `api.proto`.

use std::collections::HashMap;

/// Nothing to say.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Empty {}

/// `DevicePluginOptions`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Options {
    /// kubelet calls `PreStartContainer`.
    #[prost(bool, tag = "1")]
    pub pre_start_required: bool,
    /// kubelet calls `GetPreferredAllocation` (1.19 and newer).
    #[prost(bool, tag = "2")]
    pub get_preferred_allocation_available: bool,
}

/// What a plugin says of itself.
#[derive(Clone, PartialEq, prost::Message)]
pub struct RegisterRequest {
    /// `v1beta1`.
    #[prost(string, tag = "1")]
    pub version: String,
    /// Name of the socket in kubelet's directory.
    #[prost(string, tag = "2")]
    pub endpoint: String,
    /// `domain/name`.
    #[prost(string, tag = "3")]
    pub resource_name: String,
    /// What it can do.
    #[prost(message, optional, tag = "4")]
    pub options: Option<Options>,
}

/// `ListAndWatchResponse`: all devices, each time one changes.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DeviceList {
    /// The devices.
    #[prost(message, repeated, tag = "1")]
    pub devices: Vec<Device>,
}

/// A device.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Device {
    /// Its id, unique in the resource.
    #[prost(string, tag = "1")]
    pub id: String,
    /// `Healthy` or `Unhealthy`.
    #[prost(string, tag = "2")]
    pub health: String,
    /// Where it is.
    #[prost(message, optional, tag = "3")]
    pub topology: Option<Topology>,
}

/// `TopologyInfo`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Topology {
    /// NUMA nodes that it is near to.
    #[prost(message, repeated, tag = "1")]
    pub nodes: Vec<NumaNode>,
}

/// A NUMA node.
#[derive(Clone, PartialEq, prost::Message)]
pub struct NumaNode {
    /// Its number.
    #[prost(int64, tag = "1")]
    pub id: i64,
}

/// `PreferredAllocationRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct PreferredRequest {
    /// One choice for each container.
    #[prost(message, repeated, tag = "1")]
    pub containers: Vec<Choice>,
}

/// Which devices there are to choose from.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Choice {
    /// Free devices.
    #[prost(string, repeated, tag = "1")]
    pub available: Vec<String>,
    /// Those that have to be among the chosen ones.
    #[prost(string, repeated, tag = "2")]
    pub must_include: Vec<String>,
    /// How many are wanted.
    #[prost(int32, tag = "3")]
    pub size: i32,
}

/// `AllocateRequest` and `PreferredAllocationResponse`: both are ids per container.
#[derive(Clone, PartialEq, prost::Message)]
pub struct IdsPerContainer {
    /// Devices of each container.
    #[prost(message, repeated, tag = "1")]
    pub containers: Vec<Ids>,
}

/// Devices by their ids.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Ids {
    /// The ids.
    #[prost(string, repeated, tag = "1")]
    pub ids: Vec<String>,
}

/// What containers get.
#[derive(Clone, PartialEq, prost::Message)]
pub struct AllocateResponse {
    /// In the order of the request.
    #[prost(message, repeated, tag = "1")]
    pub containers: Vec<Allocated>,
}

/// What a container gets (`ContainerAllocateResponse`).
#[derive(Clone, PartialEq, prost::Message)]
pub struct Allocated {
    /// Environment variables.
    #[prost(map = "string, string", tag = "1")]
    pub envs: HashMap<String, String>,
    /// Files and directories of the host.
    #[prost(message, repeated, tag = "2")]
    pub mounts: Vec<Mount>,
    /// Device nodes.
    #[prost(message, repeated, tag = "3")]
    pub devices: Vec<DeviceNode>,
    /// Annotations for the container runtime.
    #[prost(map = "string, string", tag = "4")]
    pub annotations: HashMap<String, String>,
    /// Devices of the Container Device Interface (1.29 and newer).
    #[prost(message, repeated, tag = "5")]
    pub cdi_devices: Vec<CdiDevice>,
}

/// A device of the Container Device Interface (`CDIDevice`).
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct CdiDevice {
    /// `vendor/class=device`.
    #[prost(string, tag = "1")]
    pub name: String,
}

/// A device node (`DeviceSpec`).
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct DeviceNode {
    /// Where it is in the container.
    #[prost(string, tag = "1")]
    pub container_path: String,
    /// Where it is on the host.
    #[prost(string, tag = "2")]
    pub host_path: String,
    /// Of the container's cgroup: `r`, `w`, `m`.
    #[prost(string, tag = "3")]
    pub permissions: String,
}

/// A file or directory of the host.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Mount {
    /// Where it is in the container.
    #[prost(string, tag = "1")]
    pub container_path: String,
    /// Where it is on the host.
    #[prost(string, tag = "2")]
    pub host_path: String,
    /// The container may not write.
    #[prost(bool, tag = "3")]
    pub read_only: bool,
}

impl Device {
    /// A device; `numa` where the machine tells.
    #[must_use]
    pub fn new(id: &str, healthy: bool, numa: Option<u32>) -> Self {
        let health = if healthy { "Healthy" } else { "Unhealthy" }.to_owned();
        let node = |numa: u32| Topology { nodes: vec![NumaNode { id: numa.into() }] };
        Self { id: id.to_owned(), health, topology: numa.map(node) }
    }
}
