//! What can go wrong.

use std::io;

use crate::round::SIZES;

/// Failures of measuring. The variant is the operation, the fields its object.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The calling thread's network namespace has no such interface.
    #[error("there is no interface {interface} in this network namespace")]
    NoInterface {
        /// Interface.
        interface: String,
    },
    /// Its frames have no Ethernet header.
    #[error("{interface} is not an Ethernet interface")]
    NotEthernet {
        /// Interface.
        interface: String,
    },
    /// The socket or its ring could not be made.
    #[error("open a packet socket on {interface}, which only root may (CAP_NET_RAW)")]
    Open {
        /// Interface.
        interface: String,
        /// Cause.
        source: io::Error,
    },
    /// The interface went down or away, or the frame is longer than its MTU allows.
    #[error("send a frame of {bytes} bytes on {interface}")]
    Send {
        /// Interface.
        interface: String,
        /// Length of the frame.
        bytes: usize,
        /// Cause.
        source: io::Error,
    },
    /// The interface went down or away.
    #[error("take frames on {interface}")]
    Receive {
        /// Interface.
        interface: String,
        /// Cause.
        source: io::Error,
    },
    /// A round of frames that no path has to carry.
    #[error("frames of {bytes} bytes: from {} to {} are possible", SIZES.start(), SIZES.end())]
    Size {
        /// Length asked for.
        bytes: usize,
    },
    /// A round that never ends.
    #[error("a rate of 0 frames per second")]
    Rate,
    /// The threads or the watch over the clock could not be made.
    #[error("start a round of frames")]
    Start(#[source] io::Error),
    /// The figures are worthless: stamps of before and after do not compare.
    #[error("the system's clock was set during the round")]
    ClockSet,
    /// Frames seem to have arrived before they were sent, or after they were seen.
    #[error("the stamps of {interface} do not follow the system's clock")]
    Stamps {
        /// Interface that they arrived on.
        interface: String,
    },
    /// The figures are worthless: it was not the path that lost these frames.
    #[error("{frames} frames arrived on {interface} faster than they were taken")]
    Overrun {
        /// Interface.
        interface: String,
        /// How many of any kind of ours, also of other rounds.
        frames: u32,
    },
}
