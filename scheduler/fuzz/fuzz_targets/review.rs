//! Fuzzes `latency_scheduler::fuzz::review`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| latency_scheduler::fuzz::review(bytes));
