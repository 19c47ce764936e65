//! What holds for any bytes whatever: run by `tests/corpus.rs` over the committed corpus and mutations of
//! it. Each panics when its invariant breaks.

use crate::authority::with_localhost;

/// The payload of a HEADERS frame, whose flags come first, grows by `localhost` at most.
///
/// # Panics
/// When that does not hold.
pub fn headers(bytes: &[u8]) {
    let Some((flags, payload)) = bytes.split_first() else { return };
    let changed = with_localhost(payload.to_vec(), *flags);
    assert!(changed.len() <= payload.len() + b"localhost".len());
}
