//! The fuzzer's target over the committed corpus.

use testkit::corpus::run;

#[test]
fn headers_hold_their_invariants() {
    run(env!("CARGO_MANIFEST_DIR"), "headers", deviceplugin::fuzz::headers);
}
