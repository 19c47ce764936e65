//! Network namespaces and rtnetlink behind a blocking API, and the undo stack.
//!
//! Touches: network namespaces (`setns` on threads of its own), rtnetlink sockets and packet sockets; below
//! `/proc/sys/net`, whether the kernel announces the addresses of a link.
//! Knows nothing of CNI or PCI.
//!
//! The namespace a call acts in is visible in its signature: an [`Rtnl`] is a socket that was opened
//! inside one namespace and is used from outside. `unsafe` is in [`announce`] and [`offload`]
//! only.

pub mod announce;
mod error;
mod host;
mod ip;
mod link;
mod mac;
mod make;
mod netns;
pub mod offload;
mod rtnl;
mod undo;

pub use error::{Error, NetlinkError};
pub use host::Host;
pub use ip::RouteSpec;
pub use link::{Link, LinkChange};
pub use mac::Mac;
pub use netns::{Netns, NetnsId};
pub use rtnl::Rtnl;
pub use undo::Undo;
