//! Pods on a real overlay: two chassis with Geneve between them.

mod database;
mod external;
mod killed;
mod measure;
mod outside;
mod reach;
mod repair;
mod scene;
mod security;
mod sockets;
mod story;
mod ugly;
