//! Fuzzes `cni::fuzz::conf`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cni::fuzz::conf(bytes));
