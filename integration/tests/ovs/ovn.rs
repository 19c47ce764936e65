//! Pods on a real overlay: two chassis with Geneve between them.

mod killed;
mod reach;
mod scene;
mod sockets;
mod ugly;
