//! The socket of a vhost-user port in its pod, whichever plugin made the port: where it is (`place`), the directory with it
//! and whose that is (`directory`, `accounts`, `check`), what users write of it (`conf`), the files beside it for the application (`files`), and that a slot belongs to one (`slot`).
//!
//! Touches: that directory, on this host; port and record of a dead pod that still has the slot. Never touches: the pod's namespaces.
#![forbid(unsafe_code)]

mod accounts;
mod check;
pub mod conf;
mod directory;
mod error;
mod files;
mod place;
mod slot;

pub use accounts::{Access, Account};
pub use check::{directory_drift, socket_drift};
pub use directory::{Directory, Rights, make, remove};
pub use error::{Error, PORT, switch_code};
pub use files::{Application, device_info};
pub use place::{Place, Wish, choose, refuse_present};
pub use slot::{remove_claimed, take_slot};
