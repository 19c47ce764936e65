//! What the tests of this workspace share; no shipped program depends on it.
//!
//! Nothing here reads the host through our own crates: a test that asserts with the code it tests
//! proves nothing. Everything panics when it cannot do its work, with what it saw, as a test would.

#![forbid(unsafe_code)]
#![expect(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "for tests only: to panic is how everything here reports"
)]

#[cfg(target_arch = "x86_64")]
pub mod kill;
mod process;
