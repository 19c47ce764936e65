//! The shapes of the Kubernetes Network Plumbing Working Group: networks as the cluster defines
//! them, as pods select them, and as their attachments are reported.
//!
//! [`NetworkAttachmentDefinition`] is read from the API object, [`selections`] from the pod's
//! annotation, [`network_status`] turns the result of an attachment into what is published on the
//! pod, and [`devinfo`] is the exchange of device information between device plugins, CNI plugins
//! and the pod.
//!
//! Touches: device-info files, at paths the caller gives ([`devinfo`]). Everything else is a
//! function of its arguments. There is no Kubernetes client in it, and no plugin is called.
//!
//! Nothing that a pod's author writes leaves this crate unchecked: namespaces and names are those
//! of Kubernetes objects, interface names those of the kernel, device ids are file-name safe.
//!
//! Sections cited as "multi-net-spec 4.1" are those of the Network Custom Resource Definition
//! De-facto Standard 1.3, "device-info-spec" those of the Device Information Specification 1.1.0.
#![forbid(unsafe_code)]

pub mod annotation;
mod definition;
pub mod devinfo;
mod error;
mod fields;
pub mod fuzz;
mod names;
mod selection;
mod status;

pub use definition::NetworkAttachmentDefinition;
pub use error::{Error, Invalid};
pub use selection::{
    Bandwidth, HardwareAddress, IbGuid, IpRequest, Mac, PortMapping, Protocol, Selection,
    selections,
};
pub use status::{NetworkStatus, network_status};
