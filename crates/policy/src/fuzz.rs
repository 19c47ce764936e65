//! What holds for any bytes whatever: the target of the fuzzer in `fuzz/`, run by `tests/corpus.rs`
//! over the committed corpus and mutations of it as well. It panics when its invariant breaks.

use std::error::Error as _;

use crate::{Bands, Error, Microseconds, Report, Suggestion, suggest};

/// The longest message about somebody else's text.
const LONGEST: usize = 1000;

/// A report that is accepted has figures that can be, reads back equal, and suggests bands without gap
/// or overlap.
///
/// # Panics
/// When that does not hold.
pub fn report(bytes: &[u8]) {
    let report = match Report::from_json(bytes) {
        Ok(report) => report,
        Err(error) => return explains(&error),
    };
    for path in &report.paths {
        assert_eq!(path.sent - path.received, path.lost);
        if let Some(Microseconds { min, p50, p90, p99, p99_9, max }) = path.us {
            let all = [0.0, min, p50, p90, p99, p99_9, max];
            assert!(all.is_sorted() && max.is_finite(), "{all:?}");
        }
    }
    let again = report.to_json().map(|json| Report::from_json(json.as_bytes()));
    assert!(matches!(&again, Ok(Ok(again)) if *again == report), "{report:?}: {again:?}");
    follow(&suggest(&[report]));
}

/// Every path of the table is answered, each band starts where the one before it ends.
fn follow(suggestions: &[Suggestion]) {
    assert!(suggestions.iter().map(|one| one.path).eq(Bands::default().iter().map(|b| b.path)));
    let bands: Vec<_> = suggestions.iter().filter_map(|one| one.band.ok()).collect();
    for (index, band) in bands.iter().enumerate() {
        let next = bands.get(index + 1);
        assert_eq!(band.upper_us, next.map(|next| next.lower_us), "{bands:?}");
        assert!(next.is_none_or(|next| next.lower_us > band.lower_us), "{bands:?}");
        assert_eq!(band.first, index == 0, "{bands:?}");
    }
}

/// The message is fit for a terminal, and so are its causes.
fn explains(error: &Error) {
    let message = error.to_string();
    assert!(!message.is_empty() && message.len() < LONGEST, "{message}");
    assert!(!message.contains(char::is_control), "{message:?}");
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    assert!(!cause.contains(char::is_control), "{cause:?}");
}
