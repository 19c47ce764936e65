//! The fuzzer's target over the committed corpus.

use testkit::corpus::run;

#[test]
fn what_servers_send_holds_its_invariants() {
    run(env!("CARGO_MANIFEST_DIR"), "server", ovsdb::fuzz::server);
}
