//! The fuzzer's targets over the committed corpus.

use testkit::corpus::run;

#[test]
fn checkpoints_hold_their_invariants() {
    run(env!("CARGO_MANIFEST_DIR"), "checkpoint", kubelet::fuzz::checkpoint);
}

#[test]
fn answers_hold_their_invariants() {
    run(env!("CARGO_MANIFEST_DIR"), "answer", kubelet::fuzz::answer);
}
