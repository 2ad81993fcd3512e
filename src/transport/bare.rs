//! A connection that is over and never carried payload: small until somebody wants to see it. A scan leaves a
//! million of these.

use std::convert::Infallible;

use super::connection::Connection;
use super::embryo::Embryo;
use super::facts::{Ended, Interest, Reader, TcpFacts};
use super::flows::orient;
use super::headers::Headers;
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
    pub fn facts(&self) -> Box<TcpFacts> {
        let (client, server) = orient(&self.key, self.bits);
        let mut headers = Headers::new(TcpFacts::new(client, server, self.embryo.first()));
        let bit = |bit| self.bits & bit != 0;
        headers.replay(bit(bits::CLIENT_IS_A), &self.embryo);
        let mut connection = Connection::<Infallible>::new(headers, bit(bits::ON_PORT));
        connection.finish(self.ended, self.until);
        Box::new(connection.headers.facts)
    }

    /// Until when the capture would have shown more of it.
    pub fn observed_until(&self) -> Timestamp {
        self.until
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
