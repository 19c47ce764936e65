//! Kubernetes network plumbing shapes.
#![forbid(unsafe_code)]

mod definition;

pub use definition::NetworkAttachmentDefinition;
