//! The frame that is sent: Ethernet header, then magic, run, sequence and time in network byte order, then
//! zeros.

/// Local experimental `EtherType` 1 (IEEE 802 9.2.3): no protocol of the path takes it for its own.
pub(crate) const ETHERTYPE: u16 = 0x88b5;
const MAGIC: [u8; 4] = *b"fpm1";

/// A 48-bit Ethernet address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mac(pub [u8; 6]);

/// What one frame says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// Destination.
    pub to: Mac,
    /// Source.
    pub from: Mac,
    /// Random number of the round, so that late frames of another one are told apart.
    pub run: u64,
    /// Position in the round, from 0.
    pub sequence: u64,
    /// `CLOCK_REALTIME` when it was sent, in ns since the epoch.
    pub sent_ns: u64,
}

impl Probe {
    /// Bytes that it takes at the start of a frame.
    pub const LEN: usize = 42;

    /// The start of a frame; what follows is zero.
    #[must_use]
    pub fn encode(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[..6].copy_from_slice(&self.to.0);
        bytes[6..12].copy_from_slice(&self.from.0);
        bytes[12..14].copy_from_slice(&ETHERTYPE.to_be_bytes());
        bytes[14..18].copy_from_slice(&MAGIC);
        bytes[18..26].copy_from_slice(&self.run.to_be_bytes());
        bytes[26..34].copy_from_slice(&self.sequence.to_be_bytes());
        bytes[34..].copy_from_slice(&self.sent_ns.to_be_bytes());
        bytes
    }

    /// Reads the start of a frame; `None` where it is no frame of ours.
    #[must_use]
    pub fn decode(frame: &[u8]) -> Option<Self> {
        let (to, rest) = frame.split_first_chunk()?;
        let (from, rest) = rest.split_first_chunk()?;
        let (ethertype, rest) = rest.split_first_chunk()?;
        let (magic, rest) = rest.split_first_chunk()?;
        let (run, rest) = rest.split_first_chunk()?;
        let (sequence, rest) = rest.split_first_chunk()?;
        let (sent_ns, _) = rest.split_first_chunk()?;
        let ours = u16::from_be_bytes(*ethertype) == ETHERTYPE && *magic == MAGIC;
        ours.then(|| Self {
            to: Mac(*to),
            from: Mac(*from),
            run: u64::from_be_bytes(*run),
            sequence: u64::from_be_bytes(*sequence),
            sent_ns: u64::from_be_bytes(*sent_ns),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROBE: Probe = Probe {
        to: Mac([2, 0, 0, 0, 0, 1]),
        from: Mac([2, 0, 0, 0, 0, 2]),
        run: 0x0102_0304_0506_0708,
        sequence: 9,
        sent_ns: 1_700_000_000_123_456_789,
    };

    #[test]
    fn what_is_written_is_read() {
        let mut frame = PROBE.encode().to_vec();
        assert_eq!(frame[12..18], *b"\x88\xb5fpm1");
        assert_eq!(frame[18..34], [1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 9]);
        frame.resize(96, 0);
        assert_eq!(Probe::decode(&frame), Some(PROBE));
    }

    #[test]
    fn other_frames_are_not_ours() {
        let frame = PROBE.encode();
        assert_eq!(Probe::decode(&frame[..41]), None);
        for at in 12..18 {
            let mut other = frame;
            other[at] ^= 1;
            assert_eq!(Probe::decode(&other), None, "byte {at}");
        }
    }
}
