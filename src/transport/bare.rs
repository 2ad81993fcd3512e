//! A connection that is over and never carried payload: small until somebody wants to see it. A scan leaves a
//! million of these.

use std::convert::Infallible;

use super::connection::Connection;
use super::embryo::Embryo;
use super::facts::{Ended, Interest, Reader, TcpFacts};
use super::flows::orient;
use super::key::Key;
use super::table::bits;
use crate::base::{Chunk, Dir, Gap, Timestamp};

/// See the module.
#[derive(Debug)]
pub struct Bare {
    pub(super) key: Key,
    pub(super) bits: u8,
    pub(super) embryo: Embryo,
    pub(super) ended: Ended,
    pub(super) until: Timestamp,
}

impl Bare {
    /// What the packets showed.
    pub fn facts(&self) -> TcpFacts {
        let (client, server) = orient(&self.key, self.bits);
        let bit = |bit| self.bits & bit != 0;
        let mut connection = Connection::<Infallible>::grown(
            client,
            server,
            bit(bits::ON_PORT),
            bit(bits::CLIENT_IS_A),
            &self.embryo,
        );
        connection.finish(self.ended, self.until);
        connection.facts
    }
}

/// Nobody reads what is not there.
impl Reader for Infallible {
    fn data(&mut self, _: &TcpFacts, _: Dir, _: Chunk<'_>) -> Interest {
        match *self {}
    }

    fn gap(&mut self, _: &TcpFacts, _: Dir, _: Gap) -> Interest {
        match *self {}
    }
}
