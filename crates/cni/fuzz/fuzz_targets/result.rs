//! Fuzzes `cni::fuzz::result`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cni::fuzz::result(bytes));
