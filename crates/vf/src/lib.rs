//! vf
