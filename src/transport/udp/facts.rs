//! What a datagram flow showed, apart from what its datagrams say.

use std::net::SocketAddr;

use crate::base::{PerDir, Seen, Span, Stamp, Timestamp};
use crate::packet::{IcmpError, Meta};
use crate::transport::facts::{Ended, Repeats};

/// One flow.
#[derive(Clone, Debug)]
pub struct UdpFacts {
    /// The end that opened it, as far as known.
    pub client: SocketAddr,
    /// The other end.
    pub server: SocketAddr,
    /// First datagram.
    pub first: Stamp,
    /// Last datagram, or ICMP error that quotes one.
    pub last: Stamp,
    /// What each end sent.
    pub dir: PerDir<DatagramFacts>,
    /// ICMP errors that quote a datagram of each direction.
    pub icmp: PerDir<Option<Box<Quoted>>>,
    /// Why nothing more came.
    pub ended: Ended,
    /// Until when the capture would have shown more of this flow.
    pub observed_until: Timestamp,
}

/// What one end of a flow sent.
#[derive(Clone, Debug, Default)]
pub struct DatagramFacts {
    /// Datagrams, sightings of one counted once.
    pub datagrams: u64,
    /// Their UDP payload in bytes.
    pub bytes: u64,
    /// Further sightings of a datagram.
    pub duplicate_frames: u64,
    /// First one.
    pub first: Option<Stamp>,
    /// Last one.
    pub last: Option<Stamp>,
    /// The longest time between one and the next.
    pub silence: Option<Span>,
    /// TTL of the first.
    pub ttl: Option<u8>,
    /// Length of the largest IP packet in bytes.
    pub largest: u32,
}

/// ICMP errors about one direction.
#[derive(Clone, Copy, Debug)]
pub struct Quoted {
    /// The first of them.
    pub error: Seen<IcmpError>,
    /// All of them.
    pub all: Repeats,
}

impl UdpFacts {
    pub(crate) fn new(client: SocketAddr, server: SocketAddr, first: Stamp) -> Self {
        UdpFacts {
            client,
            server,
            first,
            last: first,
            dir: PerDir::default(),
            icmp: PerDir::default(),
            ended: Ended::CaptureEnded,
            observed_until: first.time,
        }
    }
}

impl DatagramFacts {
    pub(super) fn add(&mut self, meta: &Meta, payload_len: u32) {
        let stamp = meta.stamp;
        self.datagrams += 1;
        self.bytes += u64::from(payload_len);
        self.largest = self.largest.max(meta.ip_len);
        if let Some(before) = self.last {
            let so_far = self.silence.map_or(0, |silence| silence.last.time.since(silence.first.time));
            if stamp.time.since(before.time) > so_far {
                self.silence = Some(Span { first: before, last: stamp });
            }
        }
        self.first.get_or_insert(stamp);
        self.last = Some(stamp);
        self.ttl.get_or_insert(meta.ttl);
    }
}
