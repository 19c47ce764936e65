//! The account of the frames that arrived.

use hdrhistogram::Histogram;

/// What became of the frames 0, 1, 2, ... of a round.
#[derive(Debug)]
pub(crate) struct Tally {
    seen: Vec<bool>,
    highest: u64,
    pub(crate) received: u64,
    pub(crate) reordered: u64,
    pub(crate) duplicates: u64,
    pub(crate) latency: Histogram<u64>,
}

impl Tally {
    pub(crate) fn new(count: u32) -> Self {
        let latency = Histogram::new(3).expect("3 digits are possible");
        let seen = vec![false; count as usize];
        Self { seen, highest: 0, received: 0, reordered: 0, duplicates: 0, latency }
    }

    /// A frame arrived. One that was never sent is not counted.
    pub(crate) fn take(&mut self, sequence: u64, latency_ns: u64) {
        let index = usize::try_from(sequence).unwrap_or(usize::MAX);
        let Some(seen) = self.seen.get_mut(index) else { return };
        if std::mem::replace(seen, true) {
            self.duplicates += 1;
            return;
        }
        self.received += 1;
        self.reordered += u64::from(sequence < self.highest);
        self.highest = self.highest.max(sequence);
        self.latency += latency_ns;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(arrivals: &[u64]) -> (u64, u64, u64) {
        let mut tally = Tally::new(10);
        for sequence in arrivals {
            tally.take(*sequence, 1000);
        }
        (tally.received, tally.reordered, tally.duplicates)
    }

    #[test]
    fn frames_in_order_are_received() {
        assert_eq!(tally(&[0, 1, 2, 3]), (4, 0, 0));
        assert_eq!(tally(&[2, 5, 9]), (3, 0, 0));
    }

    #[test]
    fn a_frame_after_one_with_a_higher_sequence_is_reordered() {
        assert_eq!(tally(&[1, 0, 3, 2]), (4, 2, 0));
        // The one that overtook is not: RFC 4737 counts the late ones.
        assert_eq!(tally(&[0, 4, 1, 2, 3, 5]), (6, 3, 0));
    }

    #[test]
    fn a_second_arrival_is_a_duplicate_and_nothing_else() {
        assert_eq!(tally(&[0, 0, 1, 2, 1]), (3, 0, 2));
    }

    #[test]
    fn what_was_never_sent_does_not_count() {
        assert_eq!(tally(&[10, u64::MAX]), (0, 0, 0));
    }

    #[test]
    fn latency_is_that_of_first_arrivals() {
        let mut tally = Tally::new(2);
        for (sequence, latency_ns) in [(0, 5_000), (0, 9_000_000), (1, 7_000)] {
            tally.take(sequence, latency_ns);
        }
        assert_eq!((tally.latency.len(), tally.latency.min()), (2, 5_000));
        assert!(tally.latency.max() < 7_010);
    }
}
