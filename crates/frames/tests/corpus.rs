//! The fuzzer's target over the committed corpus.

use testkit::corpus::run;

#[test]
fn what_interfaces_bring_holds_its_invariants() {
    run(env!("CARGO_MANIFEST_DIR"), "probe", frames::fuzz::probe);
}
