//! The fuzzer's targets over the committed corpus.

use testkit::corpus::run;

#[test]
fn annotations_hold_their_invariants() {
    run(env!("CARGO_MANIFEST_DIR"), "annotation", npwg::fuzz::annotation);
}

#[test]
fn definitions_hold_their_invariants() {
    run(env!("CARGO_MANIFEST_DIR"), "definition", npwg::fuzz::definition);
}

#[test]
fn device_info_holds_its_invariants() {
    run(env!("CARGO_MANIFEST_DIR"), "device_info", npwg::fuzz::device_info);
}

#[test]
fn statuses_hold_their_invariants() {
    run(env!("CARGO_MANIFEST_DIR"), "status", npwg::fuzz::status);
}
