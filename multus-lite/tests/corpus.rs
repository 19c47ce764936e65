//! The fuzzer's targets over the committed corpus.

use testkit::corpus::run;

#[test]
fn configurations_hold_their_invariants() {
    run(env!("CARGO_MANIFEST_DIR"), "configuration", multus_lite::fuzz::configuration);
}

#[test]
fn caches_of_multus_hold_their_invariants() {
    run(env!("CARGO_MANIFEST_DIR"), "cache", multus_lite::fuzz::cache);
}
