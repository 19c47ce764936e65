//! Fuzzes `frames::fuzz::probe`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| frames::fuzz::probe(bytes));
