//! A received frame, as the kernel describes it in the slots of a ring (`struct tpacket2_hdr` of
//! `linux/if_packet.h`).

use std::ops::Range;

use crate::ring::SLOT;

const TP_STATUS_TS_RAW_HARDWARE: u32 = 1 << 31;

/// Who said when a frame arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stamps {
    /// The kernel, when the device handed the frame to its network stack (or, where the path bypasses
    /// that point, when it came to the socket).
    Kernel,
    /// The device, by its own clock, as near to the system's as phc2sys(8) keeps it. Devices do so when
    /// they were told to stamp all frames (`HWTSTAMP_FILTER_ALL`), which is
    /// left to `hwstamp_ctl(8)`.
    Hardware,
}

/// A frame as it was taken.
#[derive(Debug, Clone)]
pub struct Frame {
    /// When it arrived, in ns since the epoch.
    pub stamp_ns: u64,
    /// Who said so.
    pub stamps: Stamps,
    /// Its length in bytes, without a VLAN tag that the kernel stripped.
    pub len: usize,
    slot: [u8; SLOT],
    head: Range<usize>,
}

impl Frame {
    /// Its first bytes from the Ethernet header on: all of a frame of up to 190 bytes.
    #[must_use]
    pub fn head(&self) -> &[u8] {
        self.slot.get(self.head.clone()).unwrap_or_default()
    }

    /// Reads a slot, and remembers where the frame's bytes are.
    pub(crate) fn of(slot: [u8; SLOT]) -> Self {
        let word = |at: usize| u32::from_ne_bytes([0, 1, 2, 3].map(|i| slot[at + i]));
        let [status, len, captured, seconds, nanoseconds] = [0, 4, 8, 16, 20].map(word);
        let start = usize::from(u16::from_ne_bytes([slot[12], slot[13]]));
        let hardware = status & TP_STATUS_TS_RAW_HARDWARE != 0;
        Self {
            stamp_ns: u64::from(seconds) * 1_000_000_000 + u64::from(nanoseconds),
            stamps: if hardware { Stamps::Hardware } else { Stamps::Kernel },
            len: len as usize,
            head: start..start + captured as usize,
            slot,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A slot as the kernel fills it: status, lengths, where the bytes begin, the stamp.
    fn slot(status: u32, captured: u32, start: u16) -> [u8; SLOT] {
        let mut slot = [0; SLOT];
        for (at, word) in [(0, status), (4, 9000), (8, captured), (16, 3), (20, 7)] {
            slot[at..at + 4].copy_from_slice(&u32::to_ne_bytes(word));
        }
        slot[12..14].copy_from_slice(&start.to_ne_bytes());
        slot[66] = 0xaa;
        slot
    }

    #[test]
    fn a_slot_is_read_as_the_kernel_fills_it() {
        let frame = Frame::of(slot(1, 190, 66));
        assert_eq!(
            (frame.stamp_ns, frame.stamps, frame.len),
            (3_000_000_007, Stamps::Kernel, 9000)
        );
        assert_eq!((frame.head().len(), frame.head()[0]), (190, 0xaa));
        let status = 1 | TP_STATUS_TS_RAW_HARDWARE;
        assert_eq!(Frame::of(slot(status, 190, 66)).stamps, Stamps::Hardware);
    }

    #[test]
    fn bytes_outside_a_slot_are_none() {
        assert!(Frame::of(slot(1, 191, 66)).head().is_empty());
        assert!(Frame::of(slot(1, u32::MAX, u16::MAX)).head().is_empty());
    }
}
