//! Datagram flows of one protocol, beside the TCP connections: which datagram belongs to which flow, what
//! ICMP says of it, and when it is over.
//!
//! What the protocol is, the user knows: a [`Recognizer`] says which datagrams begin a flow (or belong to one
//! that began before the capture), a [`FlowReader`] reads them. Everything else is passed by without a trace.

mod facts;
mod flows;
#[cfg(test)]
mod tests;

pub use facts::{DatagramFacts, Quoted, UdpFacts};
pub use flows::Flows;

use crate::base::Dir;
use crate::packet::{Datagram, Meta};

/// Says which datagrams of no known flow belong to the protocol.
pub trait Recognizer<R> {
    /// A datagram that begins a flow: whether its sender is the client, and what reads the flow.
    fn opens(&mut self, meta: &Meta, datagram: &Datagram<'_>) -> Option<Opened<R>>;

    /// One that does not, but may be of a flow whose beginning is not in the capture.
    fn continues(&mut self, meta: &Meta, datagram: &Datagram<'_>) -> Option<Opened<R>>;
}

/// A flow that was recognized.
#[derive(Debug)]
pub struct Opened<R> {
    /// Whether the datagram's sender is the client.
    pub by_client: bool,
    /// What reads the flow from this datagram on.
    pub reader: R,
}

/// Reads the datagrams of one flow.
pub trait FlowReader {
    /// Whether a datagram begins another flow on the same ports.
    fn begins_anew(&self, dir: Dir, datagram: &Datagram<'_>) -> bool;

    /// Takes the next datagram, sightings of one taken once.
    fn datagram(&mut self, dir: Dir, meta: &Meta, datagram: &Datagram<'_>);

    /// Whether the opening is over, so that longer pauses are natural.
    fn is_open(&self) -> bool;
}
