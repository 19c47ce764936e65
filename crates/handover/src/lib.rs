//! The socket of a vhost-user port in its pod, whichever plugin made the port: where it is (`place`), the directory with it
//! and whose that is (`directory`, `accounts`, `check`), what users write of it (`conf`), and the files beside it for the application (`files`).
//!
//! Touches: that directory, on this host. Never touches: the switch, the pod's namespaces, records.
#![forbid(unsafe_code)]

mod accounts;
mod check;
pub mod conf;
mod directory;
mod error;
mod files;
mod place;

pub use accounts::{Access, Account};
pub use check::{directory_drift, socket_drift};
pub use directory::{Directory, Rights, make, remove};
pub use error::Error;
pub use files::{Application, device_info};
pub use place::{Place, Wish, choose, refuse_present};
