//! Flows: which segments belong to one TCP connection, in-order bytes with the frames that carried
//! them, and the facts of handshake, teardown and retransmission.

mod assembler;
mod bare;
mod connection;
mod direction;
mod embryo;
mod facts;
mod flows;
mod headers;
mod index;
mod key;
mod options;
mod path;
mod pauses;
mod series;
mod sightings;
mod steady;
mod table;
#[cfg(test)]
mod tests;
pub mod udp;

pub use crate::base::{Chunk, Gap};
pub use crate::packet::{Datagram, IcmpError, Meta};
pub use bare::Bare;
pub use facts::{Closing, DirFacts, Ended, GivenUp, Interest, Marks, Rare, Reader, Repeats, Rst, TcpFacts};
pub use flows::{Config, Connections, Finished, Open};
pub use path::{OpenHole, PathFacts, TooBig};
pub use pauses::Pauses;
pub use series::{Series, Span as SeriesSpan};
