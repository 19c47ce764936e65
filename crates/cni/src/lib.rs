//! The CNI protocol, 0.1.0 to 1.1.0: verbs, arguments, configurations, results, errors, delegation.
//!
//! A plugin implements [`Plugin`] and hands itself to [`run`], which reads `CNI_*` and stdin,
//! validates both, calls one verb and prints the answer in the version of the configuration.
//! A runtime (the `fastpath` tool, `multus-lite`) uses [`runtime`].
//!
//! Touches: the environment (read once, [`mod@env`]), stdin and stdout ([`run`]), executables found in
//! `CNI_PATH` ([`delegate`]), the result cache of a runtime ([`runtime::Cache`]), the log file.
//! Never touches: network namespaces, netlink, sysfs. There is no Linux in it.
//!
//! Sections cited as "CNI spec 2" are those of the CNI specification 1.1.0.
#![forbid(unsafe_code)]

mod conf;
pub mod delegate;
pub mod env;
mod error;
pub mod fuzz;
mod json;
pub mod logging;
mod plugin;
mod request;
mod result;
pub mod runtime;
mod version;

pub use conf::{AttachmentId, Ipam, NetConf};
pub use env::{Args, ContainerId, IfName};
pub use error::{Error, chain, code};
pub use plugin::{GcRequest, Plugin, StatusRequest, run, serve};
pub use request::Request;
pub use result::{AddResult, Dns, Interface, IpConfig, Route};
pub use version::{UnknownVersion, Version};
