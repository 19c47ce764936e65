//! Fuzzes `cni::fuzz::delegate_output`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cni::fuzz::delegate_output(bytes));
