//! The meta-plugin.
#![forbid(unsafe_code)]
