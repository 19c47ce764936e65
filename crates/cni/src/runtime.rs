//! The runtime side of the protocol (CNI spec 3): running lists of plugins for an attachment.
//!
//! [`NetworkList`] is what a file in `/etc/cni/net.d` holds. [`add`], [`del`], [`check`], [`gc`] and
//! [`status`] run its plugins and keep nothing; [`Cache`] does the same and remembers what was
//! attached, in the files and the format of the Go library.

mod attachment;
mod cache;
mod call;
mod file;
mod list;

pub use attachment::Attachment;
pub use cache::Cache;
pub use call::{RuntimeCall, add, check, del, find_plugins, gc, status};
pub use list::{NetworkList, PluginConf};

#[cfg(test)]
#[path = "runtime/tests.rs"]
mod tests;

#[cfg(test)]
#[path = "runtime/cni11_tests.rs"]
mod cni11_tests;
