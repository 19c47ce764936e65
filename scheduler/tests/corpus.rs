//! The fuzzer's target over the committed corpus.

use testkit::corpus::run;

#[test]
fn any_body_is_answered_or_refused() {
    run(env!("CARGO_MANIFEST_DIR"), "body", latency_scheduler::fuzz::body);
}

#[test]
fn a_review_is_answered_once_for_all_or_refused() {
    run(env!("CARGO_MANIFEST_DIR"), "review", latency_scheduler::fuzz::review);
}
