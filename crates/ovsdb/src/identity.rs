//! Who we are to a server that is reached by TLS, and whom we believe.

#[cfg(feature = "remote")]
pub use crate::remote::Identity;

/// Nobody: a server that is reached by a socket in the file system knows by its permissions who may.
#[cfg(not(feature = "remote"))]
#[derive(Debug, Clone, Default)]
pub struct Identity(());
