//! The fuzzer's target over the committed corpus.

use testkit::corpus::run;

#[test]
fn any_body_is_answered_or_refused() {
    run(env!("CARGO_MANIFEST_DIR"), "body", latency_scheduler::fuzz::body);
}
