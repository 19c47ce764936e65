//! Fuzzes `cni::fuzz::args`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cni::fuzz::args(bytes));
