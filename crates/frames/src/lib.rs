//! Timestamped frames, sent at one interface and taken at another: how long a path takes, and what it
//! loses, reorders and duplicates.
//!
//! Touches: packet sockets (packet(7), so it works as root only) and the clocks. Changes no interface
//! beyond the promiscuous membership, which goes with the socket.
//!
//! An [`End`] is a socket bound to one interface of one network namespace; [`run`] sends the frames of a
//! [`Round`] from one end to another and says in an [`Outcome`] what became of them. What a frame carries
//! is a [`Probe`].
//!
//! **The clocks.** A frame carries `CLOCK_REALTIME` as read just before send(2). Its arrival is stamped,
//! by the same clock, where the receiving device hands it to the kernel's network stack; so neither the
//! waking of a program nor its reading is in the figure. A device that stamps all frames itself is
//! believed as long as its clock is kept at the system's (phc2sys(8)); see [`Stamps`].
//!
//! There is no crate to build on: `af_packet` is GPL-3.0, and its `TPACKET_V3` hands frames over by the
//! block. The only `unsafe` is in `ring`.

mod clock;
mod end;
mod error;
mod frame;
pub mod fuzz;
mod pace;
mod probe;
mod ring;
mod round;
mod tally;

pub use end::End;
pub use error::Error;
pub use frame::{Frame, Stamps};
pub use probe::{Mac, Probe};
pub use round::{Outcome, Round, run};
