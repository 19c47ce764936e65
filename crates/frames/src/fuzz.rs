//! What holds for any bytes whatever that an interface may bring: the target of the fuzzer in `fuzz/`, run
//! by `tests/corpus.rs` over the committed corpus and mutations of it as well.

use crate::Probe;

/// A frame that is taken for ours says what its bytes say, and nothing more.
///
/// # Panics
/// When that does not hold.
pub fn probe(frame: &[u8]) {
    if let Some(probe) = Probe::decode(frame) {
        assert!(frame.starts_with(&probe.encode()));
    }
}
