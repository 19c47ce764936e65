//! Waiting with a deadline.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// Waits until `condition` holds; panics after `deadline` with what was waited for.
pub fn eventually(deadline: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < deadline, "waited {deadline:?} in vain for {what}");
        sleep(Duration::from_millis(5));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn returns_as_soon_as_the_condition_holds() {
        let mut asked = 0;
        eventually(Duration::from_mins(1), "the third time", || {
            asked += 1;
            asked == 3
        });
        assert_eq!(asked, 3);
    }

    #[test]
    #[should_panic(expected = "in vain for rain")]
    fn says_what_did_not_come() {
        eventually(Duration::from_millis(20), "rain", || false);
    }
}
