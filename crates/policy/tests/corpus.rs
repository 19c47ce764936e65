//! The fuzzer's target over the committed corpus.

use testkit::corpus::run;

#[test]
fn reports_hold_their_invariants() {
    run(env!("CARGO_MANIFEST_DIR"), "report", policy::fuzz::report);
}
