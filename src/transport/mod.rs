//! Flows: which segments belong to one TCP connection, in-order bytes with the frames that carried
//! them, and the facts of handshake, teardown and retransmission.

mod facts;
mod stub;
pub use stub::*;

pub use crate::base::{Chunk, Gap};
pub use facts::{Closing, DirFacts, Ended, Interest, Reader, Repeats, Rst, TcpFacts};
