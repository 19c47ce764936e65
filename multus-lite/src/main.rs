//! The meta-plugin.
fn main(){}
