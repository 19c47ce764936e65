//! multus-lite and a real API server: what pods ask for in their annotations, what they get, and
//! what is said about it. No node: the pods' sandboxes are namespaces that the tests make.

mod asked;
mod defaults;
mod definitions;
mod devices;
mod failing;
mod many;
mod networks;
mod published;
mod routes;
mod scene;
mod server;
