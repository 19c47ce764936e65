//! kubelet's device plugin API v1beta1, from the plugin's side.
//!
//! Touches: one socket for each resource in kubelet's directory; watches that directory for kubelet's own
//! socket. Knows neither devices nor networks: a [`Resource`] says what there is and what a container gets.
//!
//! Source: `k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1/api.proto`; "Device Plugins" in the Kubernetes
//! documentation.

#![forbid(unsafe_code)]

mod authority;
pub mod fuzz;
pub mod messages;
mod plugin;
mod registration;
pub mod rpc;

pub use plugin::{Plugin, Refusal, Resource};
pub use registration::State;

/// Where kubelet expects its plugins and listens for them, unless it was told otherwise.
pub const KUBELET_DIR: &str = "/var/lib/kubelet/device-plugins";

/// The name of a resource's socket in kubelet's directory.
#[must_use]
pub fn endpoint(resource: &str) -> String {
    resource.replace(|c: char| !c.is_ascii_alphanumeric(), "-") + ".sock"
}
