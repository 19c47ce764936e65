//! Fuzzes `ovsdb::fuzz::server`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ovsdb::fuzz::server(bytes));
