//! Flows: which segments belong to one TCP connection, in-order bytes with the frames that carried
//! them, and the facts of handshake, teardown and retransmission.

mod facts;
mod stub;
pub use stub::*;

pub use facts::{Chunk, Closing, DirFacts, Ended, Gap, Interest, Reader, Repeats, Rst, TcpFacts};
