//! The fuzzer's targets over the committed corpus.

use testkit::corpus::run;

#[test]
fn configurations_hold_their_invariants() {
    run(env!("CARGO_MANIFEST_DIR"), "conf", cni::fuzz::conf);
}

#[test]
fn arguments_hold_their_invariants() {
    run(env!("CARGO_MANIFEST_DIR"), "args", cni::fuzz::args);
}

#[test]
fn results_hold_their_invariants() {
    run(env!("CARGO_MANIFEST_DIR"), "result", cni::fuzz::result);
}

#[test]
fn answers_of_plugins_hold_their_invariants() {
    run(env!("CARGO_MANIFEST_DIR"), "delegate_output", cni::fuzz::delegate_output);
}
